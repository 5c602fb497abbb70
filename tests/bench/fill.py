"""A store as after years of work: linked pairs with the known data of both records, their keys, tasks and journal.

The simulators never give these ids, and every sweep counts the records as seen, so no call asks for them. Tables and
indexes grow. The database makes the rows from running numbers.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, Text, cast, insert, literal, select, text

from bridge.app.seams import system_seams
from bridge.store.engine import Store, open_store
from bridge.store.tables import journal, links, record_keys, records, tasks
from tests.bench.site import MAPPING

FIRST_ID = 1_000_000_000
SEEN = literal(2**62, BigInteger)  # later than any sweep
BATCH = 100_000
SCATTER, RANGE = (
    literal(2_654_435_761, BigInteger),
    literal(2**32, BigInteger),
)  # spreads keys over their index, as hashes do
SIDES = {"left": ("pipedrive", "person"), "right": ("deskera", "crm_contact")}
IDLE = {"state": "idle", "lane": "0-live", "reason": "both sides agree", "outcome": "unchanged"}
COUNTED = dict.fromkeys(("pending", "taken", "attempts", "kinds", "kinds_taken"), 0)
Columns = dict[str, Any]


async def fill(url: str, count: int, say: Callable[[str], None] = lambda _text: None) -> None:
    """Create the store at `url` and put `count` linked pairs into it; nothing else uses it meanwhile."""
    store = await open_store(url, system_seams())
    try:
        for done in range(0, count, BATCH):
            await store.database.write("fill", partial(_batch, store, min(BATCH, count - done)))
            say(f"  {min(done + BATCH, count):,} of {count:,}")
        if not store.database.sqlite:  # the server does the same when a table grows
            await store.database.write("fill", lambda conn: conn.execute(text("ANALYZE")))
    finally:
        await store.close()


def _batch(store: Store, count: int, conn: Connection) -> None:
    """Insert pairs that were created from the left and edited once; both records of a pair have the same id."""
    first, now = store.database.next_seqs(conn, count)[0], store.now()
    numbers = select(literal(first, BigInteger).label("seq")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.seq + 1).where(numbers.c.seq < literal(first + count - 1, BigInteger)))
    seq = numbers.c.seq
    record_id = cast(seq + FIRST_ID, Text)

    def put(table: Table, columns: Columns) -> None:
        rows = select(*(one if isinstance(one, ColumnElement) else literal(one) for one in columns.values()))
        conn.execute(insert(table).from_select(list(columns), rows.select_from(numbers), include_defaults=False))

    for side, (system, entity) in SIDES.items():
        of = {"mapping": MAPPING, "side": side, "rec": record_id}
        put(tasks, {**of, **IDLE, **COUNTED, "gen": seq, "done_gen": seq, "first_due": now})
        known = {"system": system, "entity": entity, "rec": record_id, "first_seq": seq, "seen_sweep": SEEN}
        put(records, {**known, "version": now, "own_version": now})
        put(record_keys, {**of, "hash": cast(seq * SCATTER % RANGE, Text) + "-" + record_id})
    link = {
        "id": seq,
        "mapping": MAPPING,
        "left": record_id,
        "right": record_id,
        "state": "live",
        "made": "created_right",
    }
    put(links, {**link, "seq": seq, "base": _base(record_id), "writes": 1, "window_at": now})
    said = literal("crm person ") + record_id + ": name: 'Person' -> 'Person " + record_id + "'"
    entry = {"at": now, "mapping": MAPPING, "side": "left", "rec": record_id, "what": "updated", "text": said}
    put(journal, {**entry, "detail": literal('{"to":"right"}'), "link": seq, "other_rec": record_id})


def _base(record_id: ColumnElement[str]) -> ColumnElement[str]:
    """Return the base of both sides as the store writes it."""
    marks = f'"{"0" * 16}","{"1" * 16}"]'
    name = (
        literal('{"name":["Person ')
        + record_id
        + '","Person '
        + record_id
        + f'","a","b",{marks},"email":["p'
        + record_id
    )
    return name + '@full.example","p' + record_id + f'@full.example","a","b",{marks}}}'
