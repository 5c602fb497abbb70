"""Names of accounts' own things as first seen; until when a budget is used up, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

REAL = sa.Float(53)


def upgrade() -> None:
    op.create_table(
        "names",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("today", sa.Text(), nullable=False),
        sa.Column("seen_at", REAL, nullable=False),
        sa.PrimaryKeyConstraint("system", "what", "key"),
    )
    op.add_column("budgets", sa.Column("until", REAL))
    op.add_column("budgets", sa.Column("why", sa.Text()))
