"""When a callback last told of a record without saying which version it has now.

`systems.probe_at`, which nothing reads any more, stays in a store that has it: copies of the former version name it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("records", sa.Column("told_at", sa.Float(53)))
