"""The store as a whole: one object with a part for each noun."""

import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from bridge.domain.errors import ConfigError, NoStore, Problem, StoreUnavailable
from bridge.domain.late import late
from bridge.domain.seams import Seams
from bridge.store.budgets import Budgets
from bridge.store.cursors import Cursors
from bridge.store.database import Database, Listener, Wake, known_words
from bridge.store.hooks import HookHours, Hooks
from bridge.store.instances import AlertState, FileLock, Instances
from bridge.store.journal import Audit, Counters, Journal
from bridge.store.mappings import Mappings
from bridge.store.requests import Instructions, Requests
from bridge.store.schema import HEAD, make_tables, schema_of
from bridge.store.standing import Conflicts, DeadLetters, LeftAlone, Standing, Waiting
from bridge.store.systems import KnownColumns, Systems
from bridge.store.tables import instances, leases, requests
from bridge.store.tokens import Plain, Seal, Tokens

if TYPE_CHECKING:
    from bridge.store.claims import Tasks
    from bridge.store.cursors import Sweeps
    from bridge.store.events import Events
    from bridge.store.figures import Figures, Vitals
    from bridge.store.links import Links
    from bridge.store.mappings import Deletions
    from bridge.store.questions import Questions
    from bridge.store.records import Records, UnlinkedReferences
    from bridge.store.retention import Forgotten, Retention
    from bridge.store.standing import Search
    from bridge.store.systems import PinnedNames
    from bridge.store.verifications import Verifications

SCHEMES = ("sqlite", "postgresql")
POSTGRES_EXTRA = ("asyncpg", "greenlet")
MIGRATE = ("bridge.store.migrate", "migrate")
"""Imported only when there is something to migrate: alembic costs a command 0.1 s."""
TASKS = ("bridge.store.claims", "Tasks")
RECORDS = ("bridge.store.records", "Records")
FORGOTTEN = ("bridge.store.retention", "Forgotten")
SWEEPS = ("bridge.store.cursors", "Sweeps")
DELETIONS = ("bridge.store.mappings", "Deletions")
PINNED = ("bridge.store.systems", "PinnedNames")
EVENTS = ("bridge.store.events", "Events")
FIGURES = ("bridge.store.figures", "Figures")
LINKS = ("bridge.store.links", "Links")
QUESTIONS = ("bridge.store.questions", "Questions")
RETENTION = ("bridge.store.retention", "Retention")
SEARCH = ("bridge.store.standing", "Search")
UNLINKED = ("bridge.store.records", "UnlinkedReferences")
VERIFICATIONS = ("bridge.store.verifications", "Verifications")
VITALS = ("bridge.store.figures", "Vitals")
"""Parts that only a running bridge and a few commands need: their statements are built at first use."""


class Store:
    """The bridge's store. Every method raises StoreUnavailable while the database cannot be used."""

    def __init__(self, database: Database, lock: FileLock | None, seal: Seal) -> None:
        self.database = database
        self._lock = lock
        self.wake = Wake()
        self._listener = Listener(database, self.wake)
        self.standing = Standing(database)
        self.waiting = Waiting(database)
        self.left_alone = LeftAlone(database, self.wake)
        self.conflicts = Conflicts(database)
        self.mappings = Mappings(database, self.wake)
        self.cursors = Cursors(database, self.wake)
        self.hooks = Hooks(database)
        self.hook_hours = HookHours(database)
        self.systems = Systems(database, self.wake)
        self.journal = Journal(database)
        self.counters = Counters(database)
        self.requests = Requests(database, self.wake)
        self.instructions = Instructions(database, self.wake)
        self.instances = Instances(database)
        self.tokens = Tokens(database, seal)
        self.budgets = Budgets(database)
        self.account_columns = KnownColumns(database)
        self.dead_letters = DeadLetters(database, self.wake)
        self.audit = Audit(database)
        self.alerts = AlertState(database)
        self.made_at = ""
        """The address of a store that this process has just created; "" for a store that existed."""

    @cached_property
    def tasks(self) -> "Tasks":
        made: Tasks = late(*TASKS)(self.database, self.wake)
        return made

    @cached_property
    def records(self) -> "Records":
        made: Records = late(*RECORDS)(self.database)
        return made

    @cached_property
    def forgotten(self) -> "Forgotten":
        made: Forgotten = late(*FORGOTTEN)(self.database)
        return made

    @cached_property
    def sweeps(self) -> "Sweeps":
        made: Sweeps = late(*SWEEPS)(self.database)
        return made

    @cached_property
    def deletions(self) -> "Deletions":
        made: Deletions = late(*DELETIONS)(self.database)
        return made

    @cached_property
    def names(self) -> "PinnedNames":
        made: PinnedNames = late(*PINNED)(self.database)
        return made

    @cached_property
    def events(self) -> "Events":
        made: Events = late(*EVENTS)(self.database, self.wake)
        return made

    @cached_property
    def links(self) -> "Links":
        made: Links = late(*LINKS)(self.database)
        return made

    @cached_property
    def questions(self) -> "Questions":
        made: Questions = late(*QUESTIONS)(self.database)
        return made

    @cached_property
    def retention(self) -> "Retention":
        made: Retention = late(*RETENTION)(self.database, self.journal, self.counters, self.audit, self.hook_hours)
        return made

    @cached_property
    def search(self) -> "Search":
        made: Search = late(*SEARCH)(self.database)
        return made

    @cached_property
    def unlinked(self) -> "UnlinkedReferences":
        made: UnlinkedReferences = late(*UNLINKED)(self.database)
        return made

    @cached_property
    def figures(self) -> "Figures":
        made: Figures = late(*FIGURES)(self.database)
        return made

    @cached_property
    def verifications(self) -> "Verifications":
        made: Verifications = late(*VERIFICATIONS)(self.database)
        return made

    @cached_property
    def vitals(self) -> "Vitals":
        made: Vitals = late(*VITALS)(self.database)
        return made

    def now(self) -> float:
        """Epoch seconds of the store's clock."""
        return self.database.now()

    async def start(self) -> None:
        """Measure the database's clock and listen for other instances."""
        await self.database.refresh_clock()
        await self._listener.start()

    async def refresh_clock(self) -> None:
        """Measure the offset to the database's clock again (PostgreSQL; nothing to do on SQLite)."""
        await self.database.refresh_clock()

    async def ping(self) -> None:
        """Raises StoreUnavailable unless the store takes writes: it notes that this bridge was seen.

        A statement that changes no row would write nothing, and so succeed on a full disk.
        """
        self.database.require_free()
        mine = update(instances).where(instances.c.name == self.database.seams.instance)
        seen = mine.values(seen_at=self.database.now())
        await self.database.write("ping", lambda conn: conn.execute(seen))

    async def close(self) -> None:
        """Finish what was submitted, then close everything."""
        made = vars(self)
        for part in (made.get("events"), made.get("questions"), made.get("links"), made.get("tasks")):
            if part is not None:
                await part.close()
        await self.budgets.close()
        await self.tokens.close()
        await self._listener.close()
        await self.database.close()
        if self._lock is not None:
            self._lock.release()


async def open_store(
    url: str, seams: Seams, *, exclusive: bool = False, existing: bool = False, seal: Seal | None = None
) -> Store:
    """Open (and create) the store at `sqlite:///path` or `postgresql://user@host/name`.

    exclusive: this is the running bridge. Only it upgrades an older store, because processes of the older version may
    still use that store. On SQLite a second bridge on the same file is refused, and leases that it finds are void.
    existing: raise NoStore if the store does not exist, instead of creating it.
    Raises ConfigError with one clear message when the address, file or server cannot be used.
    """
    parsed = parsed_url(url)
    lock = None
    if parsed.get_backend_name() == "sqlite":
        check_file(parsed, existing)
        lock = await _locked(Path(f"{parsed.database}.lock"), seams) if exclusive else None
    database = database_at(parsed, seams)
    store = Store(database, lock, seal or Plain())
    where = parsed.render_as_string(hide_password=True)
    try:
        if await _up_to_date(database, where, make=not existing, upgrade=exclusive):
            store.made_at = where
        if exclusive and database.sqlite:
            await database.write("void_leases", _void_claims)
        await store.start()
    except StoreUnavailable as error:
        await store.close()
        raise ConfigError([_unusable(where, error)]) from error
    except BaseException:
        await store.close()
        raise
    return store


LOCK_TRIES, LOCK_PAUSE_SECONDS = 4, 0.1
"""The lock is tried again: a command that checks whether a bridge runs (`FileLock.is_held`) holds it briefly."""


async def _locked(path: Path, seams: Seams) -> FileLock:
    for _ in range(LOCK_TRIES - 1):
        with suppress(ConfigError):
            return FileLock.take(path)
        await seams.clock.sleep(LOCK_PAUSE_SECONDS)
    return FileLock.take(path)


def database_at(parsed: URL, seams: Seams) -> Database:
    """Return the database. Raises ConfigError if the driver is not installed or cannot read the address."""
    try:
        return Database(parsed, seams)
    except ArgumentError as error:
        raise ConfigError([_problem(f"is not a database address: {error}", ADDRESSES)]) from None
    except ModuleNotFoundError as error:
        if error.name not in POSTGRES_EXTRA:
            raise
        remedy = "install sync-bridge[postgres]: run `pipx install --force '.[postgres]'` in its clone"
        raise ConfigError([_problem(f"the Python package {error.name} for PostgreSQL is missing", remedy)]) from None


async def _up_to_date(database: Database, where: str, *, make: bool, upgrade: bool) -> bool:
    """Create or upgrade the schema if that is allowed. Returns whether it was created."""
    found = await database.read(schema_of)
    if found == HEAD:
        if upgrade:
            await database.set_statistics()
        return False
    if found is None and not make:
        raise NoStore([_problem(f"there is no store at {where} yet", MAKES)])
    if found is not None and found < HEAD and not upgrade:
        what = f"the store at {where} belongs to an older version of the bridge (schema {found}, this one has {HEAD})"
        raise ConfigError([_problem(what, "start `bridge run` of this version: it upgrades the store")])
    bring = make_tables if found is None else late(*MIGRATE)

    def work(conn: Connection) -> None:
        database.lock_name(conn, "bridge-migrations")  # one process at a time
        bring(conn)

    await database.write("migrate", work)
    await database.set_statistics()
    return found is None


MAKES = "`bridge run` creates it; if it should exist, correct store.url in the settings"


def _void_claims(conn: Connection) -> None:
    """Delete all leases and release all requests: only one bridge uses this file, so their holders no longer run."""
    conn.execute(delete(leases))
    conn.execute(update(requests).values(taken_at=None))


def _unusable(where: str, error: StoreUnavailable) -> Problem:
    """Why a command cannot use the store. Unlike a running bridge, a command does not continue by itself."""
    cause = error.__cause__
    if cause is None or known_words(cause) is None:
        return _problem(f"{where} cannot be used: {error}", "check that the database exists and answers")
    return _problem(f"{where} cannot be used: {known_words(cause)}", "then try again")


def _problem(what: str, remedy: str) -> Problem:
    return Problem("store.url", what, remedy)


ADDRESSES = "write sqlite:///path/to/file or postgresql://user:password@host/database"


def parsed_url(url: str) -> URL:
    """Return the parsed address. Raises ConfigError if it is not the address of a store."""
    try:
        parsed = make_url(_with_hosts_apart(url))
    except (ArgumentError, ValueError):
        raise ConfigError([_problem("is not a database address", ADDRESSES)]) from None
    if parsed.get_backend_name() not in SCHEMES:
        raise ConfigError(
            [_problem(f"{parsed.get_backend_name()} is not a database that the bridge can use", ADDRESSES)]
        )
    if not parsed.database:
        raise ConfigError([_problem("does not name a database", ADDRESSES)])
    return parsed


SEVERAL_HOSTS = re.compile(r"(postgresql(?:\+asyncpg)?://(?:[^/?#]*@)?)([^/?#@]*,[^/?#@]*)(/[^?#]*)(?:\?(.*))?")
HOST = re.compile(r"(\[[^]]*\]|[^:]*)(?::(\d+))?")
POSTGRES_PORT = "5432"


def _with_hosts_apart(url: str) -> str:
    """Translate PostgreSQL's form for several servers (`//user@one:5432,two:5432/name`) into SQLAlchemy's.

    Raises ValueError if one of them is not a host.
    """
    found = SEVERAL_HOSTS.fullmatch(url)
    if found is None:
        return url
    before, named, name, query = found.groups()
    parts = [HOST.fullmatch(one) for one in named.split(",")]
    pairs = [(part[1].strip("[]"), part[2] or POSTGRES_PORT) for part in parts if part is not None and part[1]]
    if len(pairs) != len(parts):
        raise ValueError("a host is missing")
    apart = f"host={','.join(host for host, _ in pairs)}&port={','.join(port for _, port in pairs)}"
    return f"{before}{name}?{apart}{f'&{query}' if query else ''}"


def check_file(parsed: URL, existing: bool) -> None:
    """Raises ConfigError unless the file can be used. Creates its folder if only that is missing."""
    path = Path(str(parsed.database))
    if str(path) == ":memory:":
        problem = _problem("a store in memory loses everything when the bridge stops", "name a file")
    elif path.is_dir():
        problem = _problem(f"{path} is a folder", "name a file")
    elif existing and not path.exists():
        raise NoStore([_problem(f"there is no store at {path} yet", MAKES)])
    elif path.parent.is_dir():
        return
    elif not path.parent.parent.is_dir():
        problem = _problem(f"the folder {path.parent} does not exist", "create it, or name another file")
    else:
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            remedy = "create it, or name another file"
            problem = _problem(f"the folder {path.parent} cannot be created: {error.strerror}", remedy)
        else:
            return
    raise ConfigError([problem])
