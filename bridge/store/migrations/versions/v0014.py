"""Who made a change, as callbacks and records say it, is stored with its event. An index counts what waits."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

WAITS = sa.text("due IS NOT NULL")


def upgrade() -> None:
    op.add_column("events", sa.Column("actor", sa.Text))
    op.drop_index("tasks_pending", "tasks")
    counted = ["mapping", "code", "first_due", "due", "pending"]
    op.create_index("tasks_waiting", "tasks", counted, sqlite_where=WAITS, postgresql_where=WAITS)
