"""Who made a change, as callbacks and records say it, is kept with its event."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("events", sa.Column("actor", sa.Text))
