"""The schema of a store, and the tables of a new one. Only `migrate` needs the machinery that changes them."""

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, text

from bridge.store.tables import metadata

HEAD = "0014"
"""The newest revision in `migrations`; a test compares the two."""

_stated = MetaData()
version = Table("alembic_version", _stated, Column("version_num", String(32), primary_key=True))
"""The table in which alembic keeps the revision."""


def schema_of(conn: Connection) -> str | None:
    """The revision of the store; None if there are no tables yet."""
    if not inspect(conn).has_table(version.name):
        return None
    found = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def make_tables(conn: Connection) -> None:
    """Make the tables of a new store, unless another process has just made them."""
    if schema_of(conn) is None:
        metadata.create_all(conn)
        _stated.create_all(conn)
        conn.execute(insert(version).values(version_num=HEAD))
