"""Which schema the store has, asked without the machinery that makes and changes it (`migrate`)."""

from sqlalchemy import Connection, inspect, text

HEAD = "0006"
"""The newest revision in `migrations`; a test compares the two."""


def schema_of(conn: Connection) -> str | None:
    """The revision the store has; None where there are no tables yet."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    found = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)
