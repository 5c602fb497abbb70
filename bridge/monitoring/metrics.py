"""Counters and gauges in a registry of their own; nothing global, so that two bridges fit in one process."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bridge.monitoring.health import Status

_HOST = re.compile(r"^[a-z]+://[^/]*")
_VERSION = re.compile(r"v\d+", re.IGNORECASE)


class Queue(Protocol):
    """What waits for an account's budget; see `app.quotas.Queued`."""

    @property
    def used(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def seconds(self) -> float | None: ...


class Place(Protocol):
    """Where a sweep or backfill stands; see `store.cursors.Cursor`."""

    @property
    def run(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def mapping(self) -> str: ...


class Run(Protocol):
    """A sweep or backfill under way; see `app.progress.Progress`."""

    @property
    def cursor(self) -> Place: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int | None: ...
    @property
    def seconds(self) -> float | None: ...


class Metrics:
    """Every figure the bridge shows; names start with `bridge_`. No label holds what a stranger can choose."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._callbacks = self._counter("callbacks", "Callbacks answered", "system", "status")
        self._outcomes = self._counter("outcomes", "What came of records that were looked at", "mapping", "outcome")
        self._calls = Histogram(
            "bridge_remote_call_seconds",
            "Calls to remote systems",
            ("system", "method", "path", "status"),
            registry=self.registry,
        )
        self._sweeps = self._counter("sweeps", "Sweeps done", "system", "entity", "kind")
        self._rows = self._counter("sweep_rows", "Rows seen by sweeps", "system", "entity")
        self._marked = self._counter("sweep_marked", "Rows sweeps found changed", "system", "entity")
        self._skipped = self._counter(
            "skipped_rows", "Rows of listings left out because they could not be understood", "system", "listing"
        )
        self._hooks = self._counter("hooks_registered", "Hooks registered or repaired", "system")
        self._ended = self._counter("connections_ended", "Connections ended by the bridge", "listener", "reason")
        self.connections = self._gauge("connections", "Open connections", "listener")
        self.connections_limit = self._gauge("connections_limit", "Most open connections", "listener")
        self.part_up = self._gauge("part_up", "1 while a part passes its health check", "part")
        self._part_status = self._gauge(
            "part_status", "0 while a part passes, 1 while it warns, 2 while it fails", "part"
        )
        self.totals = self._gauge("events", "Events per mapping and fate", "mapping", "fate")
        self.oldest = self._gauge("oldest_waiting_seconds", "Age of the change that waits longest")
        self._waiting = self._gauge("waiting_records", "Records that wait, by reason", "mapping", "reason")
        self._verified = self._gauge("verify_pairs", "Pairs by what the last verification found", "mapping", "state")
        self._verify_age = self._gauge("verify_age_seconds", "Age of the last verification", "mapping")
        self._dead = self._gauge("dead_letters", "Records that need a person, by reason", "mapping", "reason")

        self._quota_left = self._gauge("quota_left", "Units of the day that are left of an account's budget", "system")
        self._quota_pace = self._gauge("quota_calls_per_second", "Calls a second of an account's budget", "system")
        self._quota_used = self._gauge("quota_used", "Units of the day that were used", "system", "priority")
        self._quota_waiting = self._gauge(
            "quota_waiting_records", "Records that wait for an account's budget", "system", "priority"
        )
        self._quota_seconds = self._gauge(
            "quota_done_seconds", "Forecast: seconds until what waits for the budget is done", "system", "priority"
        )

        run = ("kind", "system", "entity", "mapping")
        self._run_done = self._gauge(
            "run_done_records", "Records that a sweep or backfill under way is done with", *run
        )
        self._run_total = self._gauge("run_total_records", "Records it is expected to read in all", *run)
        self._run_seconds = self._gauge("run_left_seconds", "Forecast: seconds until it ends", *run)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"bridge_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"bridge_{name}", text, labels, registry=self.registry)

    def callback(self, system: str, status: int) -> None:
        """A callback was answered."""
        self._callbacks.labels(system, str(status)).inc()

    def outcome(self, mapping: str, outcome: str) -> None:
        """Something came of a look at a record. A record that goes on waiting is in the gauge `waiting`."""
        self._outcomes.labels(mapping, outcome).inc()

    def remote_call(self, system: str, method: str, path: str, status: int, seconds: float) -> None:
        """A request to a remote system ended; status 0 when there was no answer. Ids in `path` are left out."""
        self._calls.labels(system, method, _template(path), str(status)).observe(seconds)

    def sweep(self, system: str, entity: str, kind: str, rows: int, marked: int) -> None:
        """A sweep ended."""
        self._sweeps.labels(system, entity, kind).inc()
        self._rows.labels(system, entity).inc(rows)
        self._marked.labels(system, entity).inc(marked)

    def skipped(self, system: str, listing: str, number: int) -> None:
        """So many rows of a listing could not be understood. Keys of the account's own things are left out."""
        self._skipped.labels(system, _without_keys(listing)).inc(number)

    def hook_registered(self, system: str) -> None:
        """A hook was registered or registered again."""
        self._hooks.labels(system).inc()

    def connection_ended(self, listener: str, reason: str) -> None:
        """The bridge closed a connection; `reason` is a word of the program."""
        self._ended.labels(listener, reason).inc()

    def waiting(self, numbers: Mapping[tuple[str, str], int]) -> None:
        """So many records wait, by mapping and code of the reason."""
        _set_all(self._waiting, numbers)

    def dead_letters(self, numbers: Mapping[tuple[str, str], int]) -> None:
        """So many records need a person, by mapping and code of the reason."""
        _set_all(self._dead, numbers)

    def verified(self, pairs: Mapping[tuple[str, str], int], ages: Mapping[tuple[str], float]) -> None:
        """The last verification of each mapping: its pairs by state, and how many seconds ago it ended."""
        _set_all(self._verified, pairs)
        _set_all(self._verify_age, ages)

    def quotas(
        self,
        left: Mapping[tuple[str], float],
        per_second: Mapping[tuple[str], float],
        queues: Mapping[tuple[str, str], Queue],
    ) -> None:
        """The budgets: by system what is left of the day and its pace, by system and priority what waits for them."""
        _set_all(self._quota_left, left)
        _set_all(self._quota_pace, per_second)
        _set_all(self._quota_used, {key: one.used for key, one in queues.items()})
        _set_all(self._quota_waiting, {key: one.records for key, one in queues.items()})
        done = {key: one.seconds for key, one in queues.items() if one.seconds is not None}
        _set_all(self._quota_seconds, done)

    def progress(self, runs: Iterable[Run]) -> None:
        """The sweeps and backfills that go on now."""
        about = {
            (one.cursor.run.partition("/")[0], one.cursor.system, one.cursor.entity, one.cursor.mapping): one
            for one in runs
        }
        _set_all(self._run_done, {key: one.done for key, one in about.items()})
        _set_all(self._run_total, {key: one.total for key, one in about.items() if one.total is not None})
        _set_all(self._run_seconds, {key: one.seconds for key, one in about.items() if one.seconds is not None})

    def part(self, name: str, status: Status) -> None:
        """What a part's health check said."""
        self.part_up.labels(name).set(0 if status is Status.FAIL else 1)
        self._part_status.labels(name).set(status)

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)


def _set_all(gauge: Gauge, numbers: Mapping[Any, float]) -> None:
    """Show these and nothing of before."""
    gauge.clear()
    for labels, number in numbers.items():
        gauge.labels(*labels).set(number)


def _without_keys(listing: str) -> str:
    """`stage 17` and `option 9f8e` are `stage` and `option`, or labels would never end."""
    return " ".join(word for word in listing.replace("/", " ").split() if not _has_digit(word))


def _template(path: str) -> str:
    """A path in which every part with a digit is `{id}` (a version as in /v2/ stays), or labels would never end."""
    plain = _HOST.sub("", path).partition("?")[0]
    parts = (part if _VERSION.fullmatch(part) or not _has_digit(part) else "{id}" for part in plain.split("/"))
    return "/".join(parts)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
