"""For undo: the run and the mapping version in the journal, and a person's instructions. Changes of hook addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

RUN = sa.text("run IS NOT NULL")


def upgrade() -> None:
    op.add_column("tasks", sa.Column("run", sa.Text))
    for name in ("run", "version", "undone"):
        op.add_column("journal", sa.Column(name, sa.Text))
    op.create_index("journal_run", "journal", ["run", "id"], sqlite_where=RUN, postgresql_where=RUN)
    op.create_table(
        "instructions",
        sa.Column("mapping", sa.Text, primary_key=True),
        sa.Column("side", sa.Text, primary_key=True),
        sa.Column("rec", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
    )
    op.create_index("instructions_run", "instructions", ["run"])
    op.create_table(
        "hook_turns",
        sa.Column("system", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("until", sa.Float(53), nullable=False),
    )
