"""A store as years of work leave it: linked pairs with what is known of both records, their keys, tasks and journal.

The ids are none the simulators ever give, and every sweep takes the records for seen: nothing of it is asked for. What
grows are tables and indexes.
"""

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, insert, text
from sqlalchemy.sql.schema import Table

from bridge.app.seams import system_seams
from bridge.store.engine import Store, open_store
from bridge.store.tables import journal, links, record_keys, records, tasks
from tests.bench.site import MAPPING

FIRST_ID = 1_000_000_000
SEEN = 2**62  # later than any sweep
BATCH = 5_000
SIDES = {"left": ("pipedrive", "person"), "right": ("deskera", "crm_contact")}
Rows = dict[Table, list[dict[str, Any]]]


async def fill(url: str, count: int, say: Callable[[str], None] = lambda _text: None) -> None:
    """Make the store at `url` and put `count` linked pairs into it; nobody else uses it meanwhile."""
    store = await open_store(url, system_seams())
    try:
        for done in range(0, count, BATCH):
            await store.database.write("fill", partial(_batch, store, done, min(BATCH, count - done)))
            if done and done % (BATCH * 40) == 0:
                say(f"  {done:,} of {count:,}")
        if not store.database.sqlite:  # what the server does by itself as a table grows
            await store.database.write("fill", lambda conn: conn.execute(text("ANALYZE")))
    finally:
        await store.close()


def _batch(store: Store, first: int, count: int, conn: Connection) -> None:
    numbers = store.database.next_seqs(conn, count)
    now = store.now()
    rows: Rows = {tasks: [], links: [], records: [], record_keys: [], journal: []}
    for at, seq in enumerate(numbers):
        _pair(rows, str(FIRST_ID + first + at), seq, now)
    for table, some in rows.items():
        conn.execute(insert(table), some)


def _pair(rows: Rows, rec: str, seq: int, now: float) -> None:
    """One linked pair that was created from the left and edited once; both records have the same id."""
    name, mail = f"Person {rec}", f"p{rec}@full.example"
    key = blake2b(mail.encode(), digest_size=16).hexdigest()
    for side, (system, entity) in SIDES.items():
        rows[tasks].append(_task(side, rec, seq, now))
        known = {"system": system, "entity": entity, "rec": rec, "first_seq": seq, "seen_sweep": SEEN}
        rows[records].append({**known, "version": now, "own_version": now})
        rows[record_keys].append({"mapping": MAPPING, "side": side, "hash": key, "rec": rec})
    base = {field: [value, value, f"s{value}", f"s{value}", "0" * 16, "1" * 16] for field, value in _values(name, mail)}
    link = {"id": seq, "mapping": MAPPING, "left": rec, "right": rec, "state": "live", "made": "created_right"}
    rows[links].append({**link, "seq": seq, "base": base, "payload": {"at": now}, "writes": 1, "window_at": now})
    said = f"crm person {rec} -> erp crm_contact {rec}: name: 'Person' -> '{name}'"
    entry = {"at": now, "mapping": MAPPING, "side": "left", "rec": rec, "what": "updated", "text": said}
    detail = {"to": "right", "changes": {"name": ["Person", name]}}
    rows[journal].append({**entry, "detail": detail, "link": seq, "other_rec": rec})


def _values(name: str, mail: str) -> tuple[tuple[str, str], ...]:
    return ("name", name), ("email", mail), ("phone", "+47 22123456")


def _task(side: str, rec: str, seq: int, now: float) -> dict[str, Any]:
    nothing = dict.fromkeys(("pending", "taken", "attempts", "kinds", "kinds_taken"), 0)
    task = {
        "mapping": MAPPING,
        "side": side,
        "rec": rec,
        "state": "idle",
        "lane": "0-live",
        "gen": seq,
        "done_gen": seq,
    }
    return {**task, **nothing, "reason": "both sides agree", "first_due": now, "outcome": "unchanged"}
