"""Codes of reasons and what a look must cover; when each running bridge was last seen; what files call their sides."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

REAL = sa.Float(53)


def upgrade() -> None:
    op.create_table(
        "instances",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("started_at", REAL, nullable=False),
        sa.Column("seen_at", REAL, nullable=False),
        sa.Column("stopped_at", REAL),
    )
    op.add_column("mappings", sa.Column("sides", sa.Text()))
    op.add_column("tasks", sa.Column("code", sa.Text()))
    op.add_column("tasks", sa.Column("retried", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Until now the words of these reasons decided.
    op.execute("UPDATE tasks SET code = 'kept_visible' WHERE reason LIKE '%was reported as deleted and is still shown'")
    op.execute("UPDATE tasks SET code = 'refused_once' WHERE reason LIKE 'refused: %'")
    op.execute("UPDATE tasks SET code = 'threshold_reached' WHERE reason LIKE 'brake:%'")
    op.execute("UPDATE tasks SET retried = (1 = 1) WHERE reason = 'retried by a person'")
    op.execute("UPDATE tasks SET kinds = kinds | 16 WHERE due IS NOT NULL OR state = 'dead'")  # rows.BOTH_SIDES
