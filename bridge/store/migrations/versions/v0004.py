"""How a task ended last; references that crossed without a link; what an account lacks of a mapping's columns."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("outcome", sa.Text()))
    op.add_column("mappings", sa.Column("problems", sa.Text()))
    op.create_table(
        "unlinked_refs",
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("rec", sa.Text(), nullable=False),
        sa.Column("parent_mapping", sa.Text(), nullable=False),
        sa.Column("parent_side", sa.Text(), nullable=False),
        sa.Column("parent_rec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mapping", "side", "rec", "parent_mapping", "parent_side", "parent_rec"),
    )
    op.create_index("unlinked_refs_parent", "unlinked_refs", ["parent_mapping", "parent_side", "parent_rec"])
    # Until now the beginning of a sentence said that a record was filtered. Shadow mode decides nothing.
    op.execute(
        "UPDATE tasks SET outcome = 'filtered' WHERE state = 'idle' AND reason LIKE 'filtered%' "
        "AND reason NOT LIKE '%shadow mode%'"
    )
