"""When a callback last told of a record without saying which version it has now; a column that was never read goes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("records", sa.Column("told_at", sa.Float(53)))
    op.drop_column("systems", "probe_at")
