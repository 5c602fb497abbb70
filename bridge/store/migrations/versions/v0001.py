"""The first schema."""

from alembic import op
from sqlalchemy import text

from bridge.store.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    if bind.dialect.name == "sqlite":
        bind.execute(text("INSERT INTO sequence (id, value) VALUES (1, 0)"))
    else:
        bind.execute(text("CREATE SEQUENCE bridge_seq CACHE 1"))
