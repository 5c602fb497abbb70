"""The last verification of each mapping, and which records were forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "verifications",
        sa.Column("mapping", sa.Text(), primary_key=True),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("done_at", sa.Float(53)),
        sa.Column("summary", sa.Text()),
    )
    op.create_table(
        "forgotten",
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("together", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
    )
