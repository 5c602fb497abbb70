"""What people did, with their names."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "audit",
        sa.Column("id", big, primary_key=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("request", big),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("audit_request", "audit", ["request"])
    op.create_index("audit_at", "audit", ["at"])
