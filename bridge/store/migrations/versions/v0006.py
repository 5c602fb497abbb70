"""When a callback last reported a record without its version.

`systems.probe_at` is no longer read. It stays in a store that has it, because instances of the former version name it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("records", sa.Column("told_at", sa.Float(53)))
