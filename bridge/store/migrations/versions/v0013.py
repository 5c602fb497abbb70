"""Whether a request failed is a column now, and no longer a prefix of its answer."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("requests", sa.Column("failed", sa.Boolean, nullable=False, server_default=sa.false()))
    requests = sa.table("requests", sa.column("answer", sa.Text), sa.column("failed", sa.Boolean))
    former = "failed: "
    begins_so = sa.func.substr(requests.c.answer, 1, len(former)) == former
    rest = sa.func.substr(requests.c.answer, len(former) + 1)
    op.execute(requests.update().where(begins_so).values(failed=True, answer=rest))
