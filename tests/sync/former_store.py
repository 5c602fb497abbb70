"""A store as schema 0005 wrote it, and the products as they were then.

`former_store.sql` is the dump of a SQLite file, and `former_products.json` has the records of the bench's two products.
They contain: pairs in sync, one of them with an edit that was reported and not yet processed, and one with an edit that
was not reported; an update whose process died before the answer was stored; a create whose answer was lost; a create
that is to be tried again; a create that was refused for good, and a record that crossed without its reference to it; a
tombstone; a hook; and a command's request.
"""

import json
import sqlite3
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Connection, insert, text

from bridge.domain.seams import Seams
from bridge.store.engine import open_store
from bridge.store.tables import JsonText, metadata
from tests.clock import FakeClock
from tests.product import FakeProduct, Row
from tests.sync.bench import WITH_COMPANIES

TEXT = WITH_COMPANIES
SINCE = (
    *("verifications", "forgotten", "instructions", "hook_turns", "audit"),
    *("hook_hours", "account_columns", "alert_state", "quotas", "shares"),
)
"""Tables that schema 0005 did not have."""
FORMER_INDEX = "CREATE INDEX tasks_pending ON tasks (mapping, state, pending) WHERE pending > 0"
"""Schema 0005 had it instead of `tasks_waiting`."""
DUMP = Path(__file__).with_name("former_store.sql")
HELD = json.loads(Path(__file__).with_name("former_products.json").read_text())
SECONDS: float = HELD["seconds"]
"""The bench's clock when the store was closed."""


async def write_former(url: str, seams: Seams) -> None:
    """Create the store of schema 0005 at `url`."""
    if not url.startswith("sqlite"):
        return await _write_postgres(url, seams)
    conn = sqlite3.connect(url.removeprefix("sqlite:///"))
    conn.executescript(DUMP.read_text())
    return conn.close()


async def _write_postgres(url: str, seams: Seams) -> None:
    """Write the same rows into the tables that PostgreSQL had: the present ones, with what the migrations removed."""
    store = await open_store(url, seams)
    rows = _rows()

    def work(conn: Connection) -> None:
        conn.execute(text("ALTER TABLE systems ADD COLUMN probe_at DOUBLE PRECISION"))
        conn.execute(text("ALTER TABLE records DROP COLUMN told_at"))
        for name in ("run", "event"):
            conn.execute(text(f"ALTER TABLE tasks DROP COLUMN {name}"))
        for name in ("total", "moved_at", "seconds"):
            conn.execute(text(f"ALTER TABLE cursors DROP COLUMN {name}"))
        for name in ("run", "version", "undone", "event"):
            conn.execute(text(f"ALTER TABLE journal DROP COLUMN {name}"))
        conn.execute(text("ALTER TABLE requests DROP COLUMN failed"))
        conn.execute(text("ALTER TABLE events DROP COLUMN actor"))
        conn.execute(text("DROP INDEX tasks_waiting"))
        conn.execute(text(FORMER_INDEX))
        for name in SINCE:
            conn.execute(text(f"DROP TABLE {name}"))
        conn.execute(text("UPDATE alembic_version SET version_num = '0005'"))
        for name, found in rows.items():
            if found and name != "sequence":
                conn.execute(insert(metadata.tables[name]), found)
        (counter,) = rows["sequence"]
        conn.execute(text("SELECT setval('bridge_seq', :value)"), {"value": counter["value"]})
        for name in ("journal", "requests", "brake_hits"):
            conn.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 1000)"))

    await store.database.write("former", work)
    await store.close()


def products(clock: FakeClock) -> tuple[FakeProduct, FakeProduct]:
    """The products with the records that people and the former bridge left there."""
    return _product("crm", clock), _product("erp", clock)


def _product(system: str, clock: FakeClock) -> FakeProduct:
    product = FakeProduct(system, clock)
    for name, held in HELD[system].items():
        entity, rec = name.split()
        made, changed = _moment(held["created"]), _moment(held["modified"])
        product.rows[entity, rec] = Row(held["fields"], made, changed, held["deleted"])
    product.ids = count(1 + max(int(rec) for _, rec in product.rows))
    return product


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _rows() -> dict[str, list[dict[str, Any]]]:
    conn = sqlite3.connect(":memory:")
    conn.row_factory = sqlite3.Row
    conn.executescript(DUMP.read_text())
    there = {row["name"] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    names = [name for name in metadata.tables if name in there]
    found = {name: [_row(name, row) for row in conn.execute(f"SELECT * FROM {name}")] for name in names}
    conn.close()
    return found


def _row(table: str, row: sqlite3.Row) -> dict[str, Any]:
    columns = {column.name: column for column in metadata.tables[table].columns}
    values = {}
    for name, value in dict(row).items():
        if name not in columns:
            continue
        column = columns[name]
        if value is not None and isinstance(column.type, JsonText):
            values[column.key] = json.loads(value)
        else:
            values[column.key] = bool(value) if isinstance(column.type, Boolean) else value
    return values
