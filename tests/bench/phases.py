"""The phases: the load on a subject, and its results. All times come from the simulators' process."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import aiohttp

from tests.bench.subjects import Subject

RATE = 200
BETWEEN_SECONDS = 0.1
PATIENCE_SECONDS, PATIENCE_OF_ONE = 300.0, 1.0


@dataclass(frozen=True)
class Sizes:
    """`records`: records to create; the other phases use them one after the other, several times if they need more."""

    records: int = 1000
    backlog: int = 2000
    ack_seconds: float = 10.0
    idle_edits: int = 50

    @property
    def acks(self) -> int:
        return int(RATE * self.ack_seconds)


@dataclass
class Result:
    """One phase of one subject. `records`: edits or callbacks. `seconds`: until the last one had its effect.

    CPU time, statements and calls are counted until nothing waits any more, so they include the echoes of our own
    writes.
    """

    records: int
    seconds: float
    cpu_seconds: float
    statements: int
    transactions: int
    calls: Mapping[str, int]
    latencies: list[float] = field(default_factory=list)
    refused: int = 0
    intake_seconds: float = 0.0

    @property
    def rate(self) -> float:
        return self.records / self.seconds

    @property
    def cpu_ms(self) -> float:
        return self.cpu_seconds / self.records * 1000

    @property
    def statements_each(self) -> float:
        return self.statements / self.records

    @property
    def transactions_each(self) -> float:
        return self.transactions / self.records

    @property
    def calls_each(self) -> float:
        return sum(self.calls.values()) / self.records

    def latency_ms(self, percent: int) -> float:
        """0 where no latency was measured."""
        if len(self.latencies) < 2:
            return 1000 * sum(self.latencies)
        return 1000 * quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


Phase = Callable[[Subject, Sizes], Awaitable[Result]]
Seconds = Callable[[Mapping[str, Any]], float]


async def create(subject: Subject, sizes: Sizes) -> Result:
    """People create records in Pipedrive, all at once."""
    return await _asked(subject, sizes.records, "make", "last_write", count=sizes.records)


async def update(subject: Subject, sizes: Sizes) -> Result:
    """People change the name of every record, all at once."""
    return await _asked(subject, sizes.records, "edit", "last_write", count=sizes.records, mapped=True)


async def no_change(subject: Subject, sizes: Sizes) -> Result:
    """People change a field that no mapping has."""
    return await _asked(subject, sizes.records, "edit", "last_call", count=sizes.records, mapped=False)


async def ack(subject: Subject, sizes: Sizes) -> Result:
    """Callbacks of such edits are sent at fixed times, whatever happened to earlier ones; each one is timed."""
    kept = await subject.people.ask("keep", count=sizes.acks)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []

    async def play() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as sending:
            first = time.perf_counter() + 0.05
            for at, callback in enumerate(kept):
                moment = first + at / RATE
                await asyncio.sleep(moment - time.perf_counter())
                sending.create_task(_send(session, callback, moment, latencies, statuses))

    began = time.time()
    result = await _measured(subject, len(kept), lambda: _began(began, play()), "last_call")
    result.latencies = latencies
    result.refused = sum(n for status, n in statuses.items() if status >= 300)
    return result


async def backlog(subject: Subject, sizes: Sizes) -> Result:
    """Work on callbacks that came in during a pause, from the first call of the work to the last write."""
    people = subject.people
    await subject.pause()
    before = await subject.snapshot()
    began = (await people.ask("edit", count=sizes.backlog, mapped=True))["began"]
    taken = (await people.ask("delivered"))["last"] - began
    await subject.resume()
    figures = await subject.at_rest(_patience(sizes.backlog))
    result = await _since(subject, before, sizes.backlog, figures["last_write"] - figures["first_call"])
    result.intake_seconds = taken
    return result


async def idle(subject: Subject, sizes: Sizes) -> Result:
    """One edit at a time, each of another record, with no other work."""
    latencies: list[float] = []

    async def play() -> None:
        for at in range(sizes.idle_edits):
            answer = await subject.people.ask("touch", number=at % sizes.records + 1)
            latencies.append(answer["seconds"])
            await asyncio.sleep(BETWEEN_SECONDS)

    result = await _measured(subject, sizes.idle_edits, lambda: _began(time.time(), play()), "last_write")
    result.latencies = latencies
    return result


PHASES: Mapping[str, Phase] = {
    "create": create,
    "update": update,
    "no-change": no_change,
    "ack": ack,
    "backlog": backlog,
    "idle": idle,
}


async def _asked(subject: Subject, records: int, what: str, ends: str, **asked: Any) -> Result:
    async def act() -> float:
        return float((await subject.people.ask(what, **asked))["began"])

    return await _measured(subject, records, act, ends)


async def _measured(subject: Subject, records: int, act: Callable[[], Awaitable[float]], ends: str) -> Result:
    """`act` returns the moment it began, `ends` names the figure with the moment of the last effect."""
    before = await subject.snapshot()
    began = await act()
    figures = await subject.at_rest(_patience(records))
    return await _since(subject, before, records, figures[ends] - began)


async def _since(subject: Subject, before: Any, records: int, seconds: float) -> Result:
    after = await subject.snapshot()
    return Result(
        records=records,
        seconds=seconds,
        cpu_seconds=after.cpu_seconds - before.cpu_seconds,
        statements=after.statements - before.statements,
        transactions=after.transactions - before.transactions,
        calls=dict(after.calls - before.calls),
    )


async def _began(moment: float, play: Awaitable[None]) -> float:
    await play
    return moment


async def _send(
    session: aiohttp.ClientSession,
    callback: Mapping[str, Any],
    moment: float,
    latencies: list[float],
    statuses: Counter[int],
) -> None:
    async with session.post(callback["url"], headers=callback["headers"], data=callback["body"]) as answer:
        await answer.read()
        latencies.append(time.perf_counter() - moment)
        statuses[answer.status] += 1


def _patience(records: int) -> float:
    return PATIENCE_SECONDS + records * PATIENCE_OF_ONE
