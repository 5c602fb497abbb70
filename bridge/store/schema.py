"""The schema of a store, the tables of a new one, and the statistics by which SQLite plans its statements.

Only `migrate` needs the machinery that changes tables.
"""

from collections.abc import Sequence
from math import prod

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


# ---- Statistics for SQLite's planner ----

# The tables are large, and some columns have few distinct values. Without statistics SQLite considers two matching
# columns of an index as good as three: to find the keys of one record, it read those of all records. Measured
# statistics depend on the moment of measuring, and so do the plans. So every store gets these fixed ones, as SQLite's
# documentation recommends for stable plans. PostgreSQL measures its own.

ROWS, SOME_ROWS = 1_000_000, 10_000
"""The rows of a table; the rows of a small table, and of a partial index."""

FEW: dict[str, int] = {
    **dict.fromkeys(("side", "parent_side", "wait_side", "system"), 2),
    **dict.fromkeys(("mapping", "parent_mapping", "wait_mapping", "entity", "kind", "lane"), 4),
    **dict.fromkeys(("what", "code", "copy", "instance", "credential"), 10),
    **dict.fromkeys(("run", "due"), 1_000),
    "other_rec": 100_000,
}
"""How many distinct values a column has. Other columns have as many as there are rows."""

SMALL = frozenset({"unlinked_refs"})
"""Tables with far fewer rows than those they are joined with."""

INDEXES = text(
    'SELECT m.name, i.name, i.partial AND NOT i."unique" FROM sqlite_master AS m, pragma_index_list(m.name) AS i'
    " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, i.name"
)
COLUMNS = text("SELECT name FROM pragma_index_info(:index) ORDER BY seqno")


def set_statistics(conn: Connection) -> None:
    """Store the statistics unless they are stored already. This connection uses them at once, others when they open."""
    wanted = [
        (
            table,
            index,
            _figures([name for (name,) in conn.execute(COLUMNS, {"index": index})], partial or table in SMALL),
        )
        for table, index, partial in conn.execute(INDEXES).all()
    ]
    if _told(conn) == wanted:
        return
    conn.exec_driver_sql("ANALYZE alembic_version")  # creates the table of statistics
    conn.exec_driver_sql("DELETE FROM sqlite_stat1")
    conn.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", wanted)
    conn.exec_driver_sql("ANALYZE sqlite_master")  # reads the statistics


def _told(conn: Connection) -> list[tuple[str, str, str]]:
    if conn.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'")) == 0:
        return []
    rows = conn.exec_driver_sql("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx")
    return [(row.tbl, row.idx, row.stat) for row in rows]


def _figures(columns: Sequence[str], few: bool) -> str:
    """Return SQLite's `stat`: the rows of the index, then how many share the first column, the first two, and so on."""
    rows = SOME_ROWS if few else ROWS
    told = [prod(FEW.get(name, ROWS) for name in columns[: count + 1]) for count in range(len(columns))]
    return " ".join(map(str, [rows, *(max(rows // distinct, 1) for distinct in told)]))
