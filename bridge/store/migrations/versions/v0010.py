"""What people did, with their names; and by which version of its mapping each entry of the journal was decided."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"


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
    op.add_column("journal", sa.Column("version", sa.Text, nullable=False, server_default=""))
