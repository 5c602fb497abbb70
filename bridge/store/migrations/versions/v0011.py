"""What hooks reported hour by hour, and the fields of accounts as they were accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "hook_hours",
        sa.Column("system", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("hour", big, primary_key=True, autoincrement=False),
        sa.Column("reported", big, nullable=False),
        sa.Column("missed", big, nullable=False),
        sa.Column("repaired", big, nullable=False),
    )
    op.create_table(
        "account_columns",
        sa.Column("system", sa.Text(), primary_key=True),
        sa.Column("entity", sa.Text(), primary_key=True),
        sa.Column("accepted", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Float(53), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Float(53), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
    )
