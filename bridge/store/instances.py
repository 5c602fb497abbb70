"""Which bridges run on this store, by their heartbeats, and the lock that keeps a SQLite file to one of them.

Only one instance on a store sends alerts at a time.
"""

import fcntl
import os
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, or_, select, update

from bridge.domain.errors import ConfigError, Problem
from bridge.store.database import Database
from bridge.store.model import Json
from bridge.store.statements import upsert
from bridge.store.tables import alert_state, instances

BEAT_SECONDS = 5.0
SILENT_SECONDS = 30.0
"""An instance not seen for this long was killed, or cannot reach the store."""
KEPT_SECONDS = 30 * 86_400.0


class Instance(NamedTuple):
    """One process of the bridge. `stopped_at`: when it ended in order; None while it runs, or when it was killed."""

    name: str
    started_at: float
    seen_at: float
    stopped_at: float | None = None

    def runs(self, now: float) -> bool:
        """Whether it did not stop, and was seen within `SILENT_SECONDS`."""
        return self.stopped_at is None and now - self.seen_at <= SILENT_SECONDS

    @property
    def ended_at(self) -> float:
        """When it stopped or, if that was not noted, when it was last seen."""
        return self.seen_at if self.stopped_at is None else self.stopped_at


class Instances:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self) -> None:
        """Note that this process runs from now on, and delete instances that ended long ago.

        On SQLite no other bridge can run, so a killed one is known to have ended when it was last seen.
        """
        now, name = self._database.now(), self._database.seams.instance
        values = {"started_at": now, "seen_at": now, "stopped_at": None}
        mine = upsert(self._database.sqlite, instances).values(name=name, **values)
        began = mine.on_conflict_do_update(index_elements=["name"], set_=values)
        old = delete(instances).where(instances.c.seen_at < now - KEPT_SECONDS)
        gone = update(instances).where(instances.c.stopped_at.is_(None)).values(stopped_at=instances.c.seen_at)

        def work(conn: Connection) -> None:
            conn.execute(old)
            if self._database.sqlite:
                conn.execute(gone)
            conn.execute(began)

        await self._database.write("instance", work)

    async def beat(self) -> None:
        """Note that this process still runs. If no other does, no notifications are needed (`Database.alone`)."""
        await self._note({"seen_at": self._database.now()})
        now, mine = self._database.now(), self._database.seams.instance
        self._database.alone = not any(one.runs(now) for one in await self.all() if one.name != mine)

    async def end(self) -> None:
        """Note that this process stops in order."""
        await self._note({"seen_at": self._database.now(), "stopped_at": self._database.now()})

    async def all(self) -> list[Instance]:
        """All instances: the running ones first, then by when they ended, the latest first."""

        def work(conn: Connection) -> list[Instance]:
            return [Instance(**row) for row in conn.execute(select(instances)).mappings()]

        found, now = await self._database.read(work), self._database.now()
        return sorted(found, key=lambda one: (not one.runs(now), -one.ended_at))

    async def running(self) -> bool:
        now = self._database.now()
        return any(one.runs(now) for one in await self.all())

    def is_mute(self, one: Instance) -> bool:
        """Whether an instance without a heartbeat still runs: on SQLite it holds the lock file as long as it runs.

        It has no heartbeat, because its store takes no writes.
        """
        silent = one.stopped_at is None and not one.runs(self._database.now())
        return silent and self._database.sqlite and FileLock.is_held(Path(f"{self._database.url.database}.lock"))

    async def _note(self, values: dict[str, float]) -> None:
        mine = update(instances).where(instances.c.name == self._database.seams.instance).values(**values)
        await self._database.write("instance", lambda conn: conn.execute(mine))


# ---- The lock beside a SQLite file ----


class FileLock:
    """Held as long as the process lives or until `release`; the file itself stays."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path) -> "FileLock":
        """Take the lock. Raises ConfigError that names the file if another process holds it or it cannot be created."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            problem = Problem("store.url", f"{path} cannot be written: {error.strerror}", "check the folder's rights")
            raise ConfigError([problem]) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            what = f"another bridge is running on this store (it holds {path})"
            raise ConfigError(
                [Problem("store.url", what, "stop it first, or use PostgreSQL for several instances")]
            ) from error
        return cls(descriptor)

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether a process holds it now."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


# ---- Which of them sends alerts, and which alerts were sent ----


ONE = 1
"""The id of the only row."""


class AlertState:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, seconds: float) -> Json | None:
        """Let this instance send alerts for so long, and return the last saved state; None while another one does."""
        now, mine = self._database.now(), self._database.seams.instance
        held = {"holder": mine, "until": now + seconds}
        insert = upsert(self._database.sqlite, alert_state).values(id=ONE, state={}, **held)
        free = or_(alert_state.c.holder == mine, alert_state.c.until <= now)
        if self._database.sqlite:  # no other instance can run
            statement: Any = insert.on_conflict_do_update(index_elements=["id"], set_=held)
        else:
            statement = insert.on_conflict_do_update(index_elements=["id"], set_=held, where=free)
        statement = statement.returning(alert_state.c.state)
        return await self._database.write("alert", lambda conn: conn.execute(statement).scalar())

    async def save(self, state: Json) -> bool:
        """Store which alerts were sent; False (and nothing is stored) if another instance sends the alerts now."""
        mine = (
            update(alert_state).where(alert_state.c.holder == self._database.seams.instance).values(state=dict(state))
        )
        return bool((await self._database.write("alert", lambda conn: conn.execute(mine))).rowcount)

    async def give_back(self) -> None:
        """Let another instance send alerts at once, because this one stops."""
        mine = update(alert_state).where(alert_state.c.holder == self._database.seams.instance).values(until=0.0)
        await self._database.write("alert", lambda conn: conn.execute(mine))

    async def last(self) -> Json:
        """What was saved last, by whichever instance sends the alerts."""
        return await self._database.read(lambda conn: conn.scalar(select(alert_state.c.state))) or {}
