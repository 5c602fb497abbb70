"""The tables, for SQLAlchemy Core. A new store is made from them; `migrations` upgrades older stores to them.

Times are epoch seconds. Every transaction touches tables in this order, and rows in key order: mappings, events, tasks,
leases, links, intent_keys, link_refs, unlinked_refs, records, record_keys, merges, cursors, brake_hits, instructions,
journal, counters. (Only intake writes events. It must know which are new before it marks tasks.)
"""

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    TypeDecorator,
    event,
    false,
    insert,
    text,
)
from sqlalchemy.schema import CreateSequence

metadata = MetaData()
Big = BigInteger().with_variant(Integer, "sqlite")
Real = Float(53)


_as_json = json.JSONEncoder(separators=(",", ":"), default=dict).encode  # `json.dumps` makes an encoder at each call


class JsonText(TypeDecorator[Any]):
    """JSON stored as text, so that numbers are returned exactly as given on both databases. None is SQL null."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _as_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def partial(name: str, *columns: Any, where: Any, unique: bool = False) -> None:
    """Define a partial index.

    `set_partial_indexes` sets `where` when it is needed: to set it here would import SQLAlchemy's dialects for both
    databases. The one for PostgreSQL alone costs every command 0.03 s and 4 MB.
    """
    Index(name, *columns, unique=unique, info={"where": where})


def set_partial_indexes(dialect: str) -> None:
    """Set `where` of partial indexes. Call it before statements that create indexes are compiled for this dialect."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_kwargs[f"{dialect}_where"] = index.info["where"]


@event.listens_for(metadata, "before_create")
def _partial_there(_metadata: MetaData, connection: Connection, **_how: Any) -> None:
    set_partial_indexes(connection.dialect.name)


sequence = Table("sequence", metadata, Column("id", Integer, primary_key=True), Column("value", Big, nullable=False))
"""The store-wide counter on SQLite; PostgreSQL has the sequence `bridge_seq` instead, and leaves this empty."""


@event.listens_for(sequence, "after_create")
def _begin_to_count(_table: Table, connection: Connection, **_how: Any) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(insert(sequence).values(id=1, value=0))
    else:
        connection.execute(CreateSequence(Sequence("bridge_seq", cache=1)))


mappings = Table(
    "mappings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("match_fingerprint", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("pause_reason", Text, nullable=False),
    Column("live_since", Real),
    Column("indexed_left", Boolean, nullable=False),
    Column("indexed_right", Boolean, nullable=False),
    Column("approved_until", Real),
    Column("problems", JsonText),  # what the account lacks of the mapping's columns, as sentences
    Column("sides", JsonText),  # by side: role, system, entity
)

events = Table(
    "events",
    metadata,
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("system", Text, nullable=False),
    Column("entity", Text, nullable=False),
    Column("rec", Text),
    Column("kind", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("vendor_id", Text),
    Column("source_at", Real),
    Column("version", Real),
    Column("body", LargeBinary, nullable=False),
    Column("stored_at", Real, nullable=False),
    Column("actor", Text),  # who made the change, as the vendor says
)
partial("events_vendor_id", events.c.system, events.c.vendor_id, where=events.c.vendor_id.is_not(None), unique=True)
Index("events_stored_at", events.c.stored_at)

tasks = Table(
    "tasks",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("rec", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("due", Real),  # null unless due or waiting
    Column("gen", Big, nullable=False),
    Column("done_gen", Big, nullable=False),
    Column("pending", Big, nullable=False),
    Column("taken", Big, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("wait_mapping", Text),
    Column("wait_side", Text),
    Column("wait_rec", Text),
    Column("reason", Text, nullable=False),
    Column("source_at", Real),
    Column("first_due", Real, nullable=False),
    Column("kinds", Integer, nullable=False),  # bits, see rows.KIND_BITS; arrived since the last claim
    Column("kinds_taken", Integer, nullable=False),  # those of claims that have not ended
    Column("decided_hash", Text),
    Column("stale_since", Real),
    Column("gone_since", Real),
    Column("outcome", Text),  # of the last claim that ended; null once its mapping's mode or definition changed
    Column("code", Text),  # of `reason`, see sync.reasons
    Column("retried", Boolean, nullable=False, server_default=false()),  # by a person, and not ended since
    Column("run", Text),  # the sweep, backfill or undo that made it due
    Column("event", Big),  # the newest event that made it due, directly or by another record
)
partial("tasks_due", tasks.c.lane, tasks.c.due, tasks.c.mapping, where=tasks.c.due.is_not(None))
partial(
    "tasks_waits_for", tasks.c.wait_mapping, tasks.c.wait_side, tasks.c.wait_rec, where=tasks.c.wait_rec.is_not(None)
)
_counted = (tasks.c.mapping, tasks.c.code, tasks.c.first_due, tasks.c.due, tasks.c.pending)
partial("tasks_waiting", *_counted, where=tasks.c.due.is_not(None))  # the index alone answers how many wait
partial("tasks_dead", tasks.c.mapping, where=tasks.c.state == text("'dead'"))

leases = Table(
    "leases",
    metadata,
    Column("system", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("rec", Text, primary_key=True),
    Column("fence", Big, nullable=False),
    Column("holder", Text, nullable=False),
    Column("expires", Real, nullable=False),
)
Index("leases_fence", leases.c.fence)

records = Table(
    "records",
    metadata,
    Column("system", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("rec", Text, primary_key=True),
    Column("first_seq", Big, nullable=False),
    Column("version", Real),
    Column("own_version", Real),
    Column("own_write_at", Real),
    Column("told_at", Real),
    Column("row_hash", Text),
    Column("seen_sweep", Big),
    Column("gone_at", Real),
    Column("gone_how", Text),
)

record_keys = Table(
    "record_keys",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("rec", Text, primary_key=True),
)
Index("record_keys_rec", record_keys.c.mapping, record_keys.c.side, record_keys.c.rec)

links = Table(
    "links",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("mapping", Text, nullable=False),
    Column("left_rec", Text, key="left"),
    Column("right_rec", Text, key="right"),
    Column("state", Text, nullable=False),
    Column("made", Text, nullable=False),
    Column("seq", Big, nullable=False),
    Column("alias_of", Big),
    Column("base", JsonText, nullable=False),
    Column("held", JsonText),
    Column("sent_left", JsonText),
    Column("sent_right", JsonText),
    Column("sent_until", Real),
    Column("payload", JsonText),
    Column("deadline", Real),
    Column("look_at", Real),
    Column("gone_left", Real),
    Column("gone_right", Real),
    Column("writes", Integer, nullable=False),
    Column("window_at", Real, nullable=False),
)
IN_USE = text("state IN ('intended', 'live', 'frozen')")
UNSETTLED = text("state IN ('intended', 'doubt') OR sent_until IS NOT NULL")
IS_UNSETTLED = text(f"({UNSETTLED.text})")
"""For queries of links alone. It has the text of the index, so that the index is used."""

for _side in ("left", "right"):
    _pair = (links.c.mapping, links.c[_side])
    Index(f"links_any_{_side}", *_pair)
    partial(f"links_{_side}", *_pair, where=IN_USE, unique=True)
partial("links_unsettled", links.c.mapping, where=UNSETTLED)
Index("links_alias_of", links.c.alias_of)

intent_keys = Table(
    "intent_keys",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("link", Big, primary_key=True, autoincrement=False),
)
Index("intent_keys_link", intent_keys.c.link)

link_refs = Table(
    "link_refs",
    metadata,
    Column("target", Big, primary_key=True, autoincrement=False),
    Column("link", Big, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
)
Index("link_refs_link", link_refs.c.link)

merges = Table(
    "merges",
    metadata,
    Column("system", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("loser", Text, primary_key=True),
    Column("survivor", Text, nullable=False),
    Column("seq", Big, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("system", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Real),
    Column("sweep", Big, nullable=False),
    Column("page", Text),
    Column("complete", Boolean, nullable=False),
    Column("started_at", Real),
    Column("done_at", Real),
    Column("asked_at", Real),
    Column("asked_by", Text, nullable=False),
    Column("rows", Big, nullable=False),
    Column("marked", Big, nullable=False),
    Column("total", Big),  # how many rows are expected: as the vendor says, or as the last one read
    Column("moved_at", Real),
    Column("seconds", Real, nullable=False, server_default=text("0")),  # at work, without the time it stood still
)

brake_hits = Table(
    "brake_hits",
    metadata,
    Column("id", Big, primary_key=True),
    Column("mapping", Text, nullable=False),
    Column("at", Real, nullable=False),
    Column("kind", Text, nullable=False),
    Column("link", Big),
)
Index("brake_hits_at", brake_hits.c.mapping, brake_hits.c.at)

journal = Table(
    "journal",
    metadata,
    Column("id", Big, primary_key=True),
    Column("at", Real, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("rec", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("detail", JsonText, nullable=False),
    Column("link", Big),
    Column("other_rec", Text),
    Column("run", Text),  # of its task
    Column("version", Text),  # of the mapping file
    Column("undone", Text),  # the run that undid this write
    Column("event", Big),  # of its task
)
Index("journal_rec", journal.c.mapping, journal.c.side, journal.c.rec, journal.c.id)
Index("journal_other_rec", journal.c.mapping, journal.c.other_rec, journal.c.id)
Index("journal_at", journal.c.at)
partial("journal_run", journal.c.run, journal.c.id, where=journal.c.run.is_not(None))

instructions = Table(  # persons' instructions about records, until they are carried out or refused
    "instructions",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("rec", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("detail", JsonText, nullable=False),
    Column("run", Text, nullable=False),
    Column("at", Real, nullable=False),
)
Index("instructions_run", instructions.c.run)

counters = Table(
    "counters",
    metadata,
    Column("copy", Text, primary_key=True),
    Column("mapping", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Big, nullable=False),
)

hooks = Table(
    "hooks",
    metadata,
    Column("system", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("vendor_id", Text),
    Column("state", Text, nullable=False),
    Column("registered_at", Real),
    Column("seen_at", Real),
    Column("delivered_at", Real),
    Column("note", Text, nullable=False),
)

hook_turns = Table(  # how often the addresses of a system's hooks were changed
    "hook_turns",
    metadata,
    Column("system", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("until", Real, nullable=False),  # until then callbacks at the former addresses are accepted
)

systems = Table(
    "systems",
    metadata,
    Column("name", Text, primary_key=True),
    Column("identity_key", Text),
    Column("identity_label", Text, nullable=False),
    Column("down_since", Real),
    Column("down_reason", Text, nullable=False),
    Column("stopped", Text, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Big, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("arguments", JsonText, nullable=False),
    Column("asked_at", Real, nullable=False),
    Column("taken_at", Real),
    Column("done_at", Real),
    Column("answer", Text, nullable=False),
    Column("failed", Boolean, nullable=False, server_default=false()),  # nothing was done; the answer says why
)

tokens = Table(
    "tokens",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("sealed", JsonText, nullable=False),
    Column("saved_at", Real, nullable=False),
)


# ---- What is known of an account besides its records ----


_window = (Column("credential", Text, primary_key=True), Column("window", Text, primary_key=True))
budgets = Table(
    "budgets",
    metadata,
    *_window,
    Column("used", Big, nullable=False),
    Column("until", Real),
    Column("why", Text),
)

quotas = Table(
    "quotas",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("reserved", Real, nullable=False),
    Column("per_second", Real),  # calls, of all instances
    Column("day_limit", Big),  # our own daily limit, in `unit`
    Column("day_held", Big, nullable=False),  # how much of it is used, or held by an instance
    Column("day_ends", Real, nullable=False),
    Column("unit", Text, nullable=False),
    Column("vendor_limit", Big),
    Column("vendor_left", Big),
    Column("vendor_ends", Real),
    Column("uses", JsonText, nullable=False),  # in our day, by priority: units, calls, pieces of work
)

shares = Table(
    "shares",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("instance", Text, primary_key=True),
    Column("fraction", Real, nullable=False),
    Column("until", Real, nullable=False),
)

names = Table(
    "names",
    metadata,
    Column("system", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("today", Text, nullable=False),
    Column("seen_at", Real, nullable=False),
)


# ---- What hooks reported, and what accounts showed of their fields ----


hook_hours = Table(  # what hooks reported and missed, hour by hour
    "hook_hours",
    metadata,
    Column("system", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("hour", Big, primary_key=True, autoincrement=False),  # hours since 1970, UTC
    Column("reported", Big, nullable=False),
    Column("missed", Big, nullable=False),
    Column("repaired", Big, nullable=False),
)

account_columns = Table(  # the columns of an account's entity: as accepted, as last seen, and how the two differ
    "account_columns",
    metadata,
    Column("system", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("accepted", JsonText, nullable=False),
    Column("accepted_at", Real, nullable=False),
    Column("seen", JsonText, nullable=False),
    Column("seen_at", Real, nullable=False),
    Column("changes", JsonText, nullable=False),
)


# ---- Running bridges ----


instances = Table(
    "instances",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_at", Real, nullable=False),
    Column("seen_at", Real, nullable=False),
    Column("stopped_at", Real),  # null while it runs, and if it was killed
)


# ---- Verifications, and records that a person had forgotten ----


verifications = Table(
    "verifications",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("started_at", Real, nullable=False),  # of the last one, also while it runs
    Column("done_at", Real),  # of the verification that wrote `summary`
    Column("summary", JsonText),
)

forgotten = Table(  # records whose data was erased; nothing else about them is kept
    "forgotten",
    metadata,
    Column("hash", Text, primary_key=True),  # see forget.fingerprint
    Column("together", Text, nullable=False),  # the same for records that were forgotten as one person
    Column("at", Real, nullable=False),
)


# ---- Alerts that were sent; references that were not written; what people did ----


alert_state = Table(  # one row: parts of health, their status and times; no record's data
    "alert_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", JsonText, nullable=False),
    Column("holder", Text, nullable=False),  # the instance that sends alerts
    Column("until", Real, nullable=False),  # afterwards another one may
)

unlinked_refs = Table(  # records written without a reference, because the record that it names was not linked
    "unlinked_refs",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("rec", Text, primary_key=True),
    Column("parent_mapping", Text, primary_key=True),
    Column("parent_side", Text, primary_key=True),
    Column("parent_rec", Text, primary_key=True),
)
Index(
    "unlinked_refs_parent",
    unlinked_refs.c.parent_mapping,
    unlinked_refs.c.parent_side,
    unlinked_refs.c.parent_rec,
)

audit = Table(
    "audit",
    metadata,
    Column("id", Big, primary_key=True),
    Column("at", Real, nullable=False),
    Column("person", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("arguments", JsonText, nullable=False),
    Column("request", Big),
    Column("answer", Text, nullable=False),
)
Index("audit_request", audit.c.request)
Index("audit_at", audit.c.at)
