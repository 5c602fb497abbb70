"""Counters, gauges and histograms in a separate registry, so that two bridges fit in one process.

Names follow the conventions of Prometheus: units at the end, `_total` for what only grows, `_seconds` for times.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from platform import python_version
from typing import Any, Protocol

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily

from bridge.monitoring.health import Status

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, which `rate` does not need

LABELS = {
    "system": "systems of the settings, or `unknown`",
    "mapping": "mapping files",
    "entity": "entities that mapping files name",
    "listing": "listings of the connectors without keys of the account; beyond {most} of a system `other`",
    "method": "HTTP methods of the connectors",
    "path": "paths of the connectors with `{{id}}` for ids; beyond {most} of a system `other`",
    "status": "HTTP status codes (0: no answer), or pass, warn, fail of a health part",
    "answer": "what a vendor's answer means: ok, refused, limited, failed, none",
    "part": "parts of `/health`",
    "listener": "callbacks, admin",
    "hook": "hooks of the connectors",
    "found_by": "callback, sweep",
    "window": "24h, 7d",
    "level": "fail, warn, info",
    "priority": "live, retry, reconcile, backfill",
    "reason": "the reason codes, see the table in operations.md",
    "outcome": "applied, unchanged, filtered, dead",
    "fate": "what became of an accepted event",
    "kind": "incremental, full, backfill",
    "state": "states the program knows",
    "target": "alert targets of the settings",
    "version": "the version that runs",
    "python": "the Python it runs on",
}
"""Every label, and what limits its values. No label has values that an outsider can choose."""

MOST_VALUES = 200
"""Paths and listings of one system. Connectors have fewer, so this only limits what a fault of theirs can do."""
REMEMBERED = 512
"""How many kinds of calls keep their counters cached."""
OTHER = "other"
GROWING = ("accepted", "applied", "unchanged", "coalesced", "filtered", "discarded")
"""Event fates whose numbers only grow. The numbers of the others rise and fall."""

CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CALLBACK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The limits of the buckets. Vendors give up on a callback after 2 (Pipedrive: 10) seconds."""
WRITE_SECONDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0)

_HOST = re.compile(r"^[a-z]+://[^/]*")
_VERSION = re.compile(r"v\d+", re.IGNORECASE)


class Queue(Protocol):
    """The work that waits for an account's budget; see `app.quotas.Queued`."""

    @property
    def used(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def seconds(self) -> float | None: ...


class Place(Protocol):
    """The cursor of a sweep or backfill; see `store.cursors.Cursor`."""

    @property
    def run(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def mapping(self) -> str: ...


class Run(Protocol):
    """A running sweep or backfill; see `app.progress.Progress`."""

    @property
    def cursor(self) -> Place: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int | None: ...
    @property
    def seconds(self) -> float | None: ...


class Metrics:
    """All metrics of the bridge. Names start with `bridge_`, except the usual ones of the process."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.labels: dict[str, tuple[str, ...]] = {"bridge_events": EVENT_LABELS}
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        self._of_call = lru_cache(REMEMBERED)(self._found_of_call)  # finding the counters costs more than counting
        self._count_work()
        self._count_connections()
        self._show_levels()
        self._events = EventTotals()
        self.registry.register(self._events)
        build = self._gauge("build_info", "Always 1; the labels name the versions that run", "version", "python")
        build.labels(version("sync-bridge"), python_version()).set(1)
        ProcessCollector(registry=self.registry)

    def _count_work(self) -> None:
        self._callbacks = self._counter("callbacks", "Callbacks answered", "system", "status")
        self._answered = self._histogram(
            "callback_duration_seconds", "From a callback's head to its answer", CALLBACK_SECONDS, "system"
        )
        self._outcomes = self._counter("outcomes", "How work on records ended", "mapping", "outcome")
        self._to_write = self._histogram(
            "callback_to_write_seconds", "From a callback to the end of the write it caused", WRITE_SECONDS, "mapping"
        )
        self._calls = self._counter("calls", "Calls to systems", "system", "method", "path", "status")
        self._call_seconds = self._histogram(
            "call_duration_seconds", "How long calls to systems took", CALL_SECONDS, "system", "method", "answer"
        )
        self._sweeps = self._counter("sweeps", "Sweeps done", "system", "entity", "kind")
        self._rows = self._counter("sweep_rows", "Rows seen by sweeps", "system", "entity")
        self._marked = self._counter("sweep_changed_rows", "Rows that sweeps found changed", "system", "entity")
        self._skipped = self._counter(
            "skipped_rows", "Rows of listings left out because they could not be understood", "system", "listing"
        )
        self._hooks = self._counter("hook_registrations", "Hooks registered or repaired", "system")
        self._alerts = self._counter("alert_messages", "Alerts that were sent, or that failed", "target", "state")

    def _count_connections(self) -> None:
        self._ended = self._counter("connections_ended", "Connections ended by the bridge", "listener", "reason")
        self.connections = self._gauge("connections", "Open connections", "listener")
        self.connections_limit = self._gauge("connections_limit", "Limit of open connections", "listener")

    def _show_levels(self) -> None:
        self._part_status = self._gauge("part_status", "1 for the current status of a part of health", "part", "status")
        self._events_open = self._gauge("open_events", "Accepted events that are still open", "mapping", "state")
        self.oldest = self._gauge("oldest_waiting_seconds", "Age of the change that waits longest")
        self._waiting = self._gauge("waiting_records", "Records that wait", "mapping", "reason")
        self._dead = self._gauge("dead_letters", "Records that need a person", "mapping", "reason")
        self._verified = self._gauge("verify_pairs", "Pairs by what the last verification found", "mapping", "state")
        self._verify_age = self._gauge("verify_age_seconds", "Age of the last verification", "mapping")
        self._hook_changes = self._gauge(
            "hook_changes",
            "Changes in the window that callbacks of a hook reported (callback), or only a sweep found (sweep)",
            *("system", "hook", "found_by", "window"),
        )
        self._hook_repairs = self._gauge(
            "hook_repairs", "How often a hook was registered again in the window", "system", "hook", "window"
        )
        self._hook_age = self._gauge("hook_delivery_age_seconds", "Age of a hook's last delivery", "system", "hook")
        self._column_changes = self._gauge(
            "column_changes", "Changes of accounts' columns since they were accepted, by level", "system", "level"
        )
        self._hook_rows = self._gauge("hooks", "Hooks by their state in the last audit", "system", "state")
        self._delivered = self._gauge(
            "hook_last_delivery_timestamp_seconds", "Unix time of the last callback", "system"
        )
        self._removals = self._gauge(
            "deletion_threshold_removals", "Removals within the window of the deletion threshold", "mapping"
        )
        self.threshold_limit = self._gauge("deletion_threshold_limit", "Removals after which further ones are held")
        self._pauses = self._gauge("pause_seconds", "Remaining seconds of the pause that a vendor asked for", "system")
        self._quota_limit = self._gauge("quota_limit_units", "Units per day in an account's budget", "system")
        self._quota_left = self._gauge("quota_left_units", "Units left of the daily budget", "system")
        self._quota_pace = self._gauge("quota_calls_per_second", "Calls per second in an account's budget", "system")
        self._quota_used = self._gauge(
            "quota_used_units", "Units of the daily budget that were used", "system", "priority"
        )
        self._quota_waiting = self._gauge(
            "quota_waiting_records", "Records that wait for an account's budget", "system", "priority"
        )
        self._quota_seconds = self._gauge(
            "quota_done_seconds",
            "Forecast: seconds until the records that wait for the budget are done",
            "system",
            "priority",
        )

        run = ("kind", "system", "entity", "mapping")
        self._run_done = self._gauge("run_done_records", "Records that a running sweep or backfill has processed", *run)
        self._run_total = self._gauge("run_total_records", "Records that it is expected to read in total", *run)
        self._run_seconds = self._gauge("run_left_seconds", "Forecast: seconds until it ends", *run)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(self._named(name, labels), text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(self._named(name, labels), text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(self._named(name, labels), text, labels, buckets=buckets, registry=self.registry)

    def _named(self, name: str, labels: tuple[str, ...]) -> str:
        self.labels[f"bridge_{name}"] = labels
        return f"bridge_{name}"

    def callback(self, system: str, status: int) -> None:
        """Count a callback that was answered."""
        self._callbacks.labels(system, str(status)).inc()

    def callback_took(self, system: str, seconds: float) -> None:
        """Note how many seconds the answer to a callback at one of the bridge's addresses took."""
        self._answered.labels(system).observe(seconds)

    def outcome(self, mapping: str, outcome: str) -> None:
        """Count the end of work on a record. A record that still waits is in the gauge `waiting`."""
        self._outcomes.labels(mapping, outcome).inc()

    def written(self, mapping: str, seconds: float) -> None:
        """Note how many seconds after its callback a change was written."""
        self._to_write.labels(mapping).observe(seconds)

    def remote_call(self, system: str, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request to a remote system that ended. `status` 0: there was no answer. Ids in `path` are left
        out."""
        calls, took = self._of_call(system, method, path, status)
        calls.inc()
        took.observe(seconds)

    def _found_of_call(self, system: str, method: str, path: str, status: int) -> tuple[Counter, Histogram]:
        known = self._bounded(f"path of {system}", _template(path))
        calls = self._calls.labels(system, method, known, str(status))
        return calls, self._call_seconds.labels(system, method, _meaning(status))

    def _bounded(self, of: str, value: str) -> str:
        seen = self._seen[of]
        if value not in seen:
            if len(seen) >= MOST_VALUES:
                return OTHER
            seen.add(value)
        return value

    def sweep(self, system: str, entity: str, kind: str, rows: int, marked: int) -> None:
        """Count a sweep that ended."""
        self._sweeps.labels(system, entity, kind).inc()
        self._rows.labels(system, entity).inc(rows)
        self._marked.labels(system, entity).inc(marked)

    def skipped(self, system: str, listing: str, number: int) -> None:
        """Count rows of a listing that could not be understood. Keys of the account in its name are left out."""
        self._skipped.labels(system, self._bounded(f"listing of {system}", _without_keys(listing))).inc(number)

    def hook_registered(self, system: str) -> None:
        """Count a hook that was registered, or registered again."""
        self._hooks.labels(system).inc()

    def hooks_seen(self, numbers: Mapping[tuple[str, str], int], delivered: Mapping[tuple[str], float]) -> None:
        """Set the number of hooks by system and state, and when each system last delivered (epoch seconds)."""
        _set_all(self._hook_rows, numbers)
        _set_all(self._delivered, delivered)

    def alert(self, target: str, state: str) -> None:
        """Count a message to an alert target that was `sent`, or that `failed`."""
        self._alerts.labels(target, state).inc()

    def connection_ended(self, listener: str, reason: str) -> None:
        """Count a connection that the bridge closed. `reason` is a word of the program."""
        self._ended.labels(listener, reason).inc()

    def events(self, fates: Mapping[str, Mapping[str, int]]) -> None:
        """Set the number of accepted events by mapping and fate, as the store counts them."""
        self._events.numbers = {
            (mapping, fate): number
            for mapping, totals in fates.items()
            for fate, number in totals.items()
            if fate in GROWING
        }
        levels = {
            (mapping, fate): number
            for mapping, totals in fates.items()
            for fate, number in totals.items()
            if fate not in GROWING
        }
        _set_all(self._events_open, levels)

    def waiting(self, numbers: Mapping[tuple[str, str], int]) -> None:
        """Set the number of waiting records, by mapping and code of the reason."""
        _set_all(self._waiting, numbers)

    def dead_letters(self, numbers: Mapping[tuple[str, str], int]) -> None:
        """Set the number of records that need a person, by mapping and code of the reason."""
        _set_all(self._dead, numbers)

    def verified(self, pairs: Mapping[tuple[str, str], int], ages: Mapping[tuple[str], float]) -> None:
        """Set the last verification of each mapping: its pairs by state, and how many seconds ago it ended."""
        _set_all(self._verified, pairs)
        _set_all(self._verify_age, ages)

    def hooks(self, *figures: Mapping[tuple[str, ...], float]) -> None:
        """Set three figures: changes by (system, hook, `callback` or `sweep`, window); repairs by (system, hook,
        window); seconds since the last delivery by (system, hook)."""
        for gauge, numbers in zip((self._hook_changes, self._hook_repairs, self._hook_age), figures, strict=True):
            _set_all(gauge, numbers)

    def column_changes(self, numbers: Mapping[tuple[str, str], float]) -> None:
        """Set the number of changes by system and level: fail, warn, info."""
        _set_all(self._column_changes, numbers)

    def removals(self, numbers: Mapping[tuple[str], int]) -> None:
        """Set how many records each mapping removed within the window of the deletion threshold."""
        _set_all(self._removals, numbers)

    def paused(self, system: str, seconds: float) -> None:
        """Set the remaining seconds of the pause that a vendor asked for."""
        self._pauses.labels(system).set(seconds)

    def quotas(
        self,
        limits: Mapping[tuple[str], float],
        left: Mapping[tuple[str], float],
        per_second: Mapping[tuple[str], float],
        queues: Mapping[tuple[str, str], Queue],
    ) -> None:
        """Set the budgets: by system, the units of the day, what is left of them and the calls per second; by system
        and priority, what waits."""
        _set_all(self._quota_limit, limits)
        _set_all(self._quota_left, left)
        _set_all(self._quota_pace, per_second)
        _set_all(self._quota_used, {key: one.used for key, one in queues.items()})
        _set_all(self._quota_waiting, {key: one.records for key, one in queues.items()})
        done = {key: one.seconds for key, one in queues.items() if one.seconds is not None}
        _set_all(self._quota_seconds, done)

    def progress(self, runs: Iterable[Run]) -> None:
        """Set the progress of the running sweeps and backfills."""
        about = {
            (one.cursor.run.partition("/")[0], one.cursor.system, one.cursor.entity, one.cursor.mapping): one
            for one in runs
        }
        _set_all(self._run_done, {key: one.done for key, one in about.items()})
        _set_all(self._run_total, {key: one.total for key, one in about.items() if one.total is not None})
        _set_all(self._run_seconds, {key: one.seconds for key, one in about.items() if one.seconds is not None})

    def part(self, name: str, status: Status) -> None:
        """Set the result of a part's health check."""
        for one in Status:
            self._part_status.labels(name, one.word).set(one is status)

    def render(self) -> bytes:
        """Return all metrics in the text exposition format."""
        return generate_latest(self.registry)


EVENT_LABELS = ("mapping", "fate")


class EventTotals:
    """Counters whose numbers are in the store, so that they continue after restarts."""

    def __init__(self) -> None:
        self.numbers: Mapping[tuple[str, str], int] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the metric; the client library calls this."""
        family = CounterMetricFamily("bridge_events", "Accepted events by what became of them", labels=EVENT_LABELS)
        for labels, number in self.numbers.items():
            family.add_metric(labels, number)
        yield family


def _set_all(gauge: Gauge, numbers: Mapping[Any, float]) -> None:
    """Set these numbers, and remove all former ones."""
    gauge.clear()
    for labels, number in numbers.items():
        gauge.labels(*labels).set(number)


def _meaning(status: int) -> str:
    if status == 0:
        return "none"
    if status == 429:
        return "limited"
    return "ok" if status < 400 else "refused" if status < 500 else "failed"


def _without_keys(listing: str) -> str:
    """Return the listing's name without words that contain a digit: `stage 17` and `option 9f8e` become `stage` and
    `option`. Otherwise the number of label values would have no limit."""
    return " ".join(word for word in listing.replace("/", " ").split() if not _has_digit(word))


def _template(path: str) -> str:
    """Return a path with `{id}` for every part that contains a digit, except versions as in /v2/. Otherwise the number
    of label values would have no limit.

    Connectors write both `items/:id` and `/items/{id}`; the result always has the second form.
    """
    plain = _HOST.sub("", path).partition("?")[0].removeprefix("/")
    return "/" + "/".join(_part(part) for part in plain.split("/"))


def _part(text: str) -> str:
    if text.startswith(":"):
        return f"{{{text[1:]}}}"
    return "{id}" if _has_digit(text) and not _VERSION.fullmatch(text) else text


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
