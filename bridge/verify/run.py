"""One verification: walks both listings page by page, then the pairs in the store, and reads those that may differ.

It keeps in memory 8 bytes for each pair that a side showed and 16 for each match key, and nothing else of records. A
pair counts as different only after two looks with the read lag between them. Both looks must show the same and find
nothing due.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.connectors.lines import with_lines
from bridge.connectors.protocols import Page
from bridge.domain.concurrent import together
from bridge.domain.errors import RemoteError, RetryLater
from bridge.domain.event import Event, EventKind, Origin
from bridge.domain.priority import Priority, calls_for
from bridge.domain.record import SIDES, Record, Side
from bridge.domain.seams import epoch
from bridge.mapping import translate
from bridge.mapping.translate import Reading
from bridge.mapping.values import LinkId, Reference, names_unlinked, parts_of, with_parts
from bridge.store.model import Link, LinkState, MappingState, Routes, Task, TaskKey, TaskState
from bridge.sync.references import usable
from bridge.sync.shadow import State, money_fields
from bridge.verify.alone import why_alone
from bridge.verify.look import Looked, Subject, look, patiently, read
from bridge.verify.numbers import Keys, Numbers
from bridge.verify.report import EXAMPLES, Report, pair_example
from bridge.verify.rows import RowVerdict, judge_row, kept_of_base, money_of_base

log = logging.getLogger(__name__)

PORTION = 200  # pairs or rows that are handled together
AT_ONCE = 8  # records that are read at the same time; the vendors' own limits apply as well
LOOKS = 4  # a pair that shows something else at every look is being edited
UNREAD_LIMIT = 50  # if this many pairs cannot be read, the vendor is at fault and the verification ends
UNMATCHED = "not matched"
YOUNG_SECONDS = 600.0  # a record touched within this time may be crossing now; clocks differ by less
GRACE_SECONDS = 1.0
"""Added to the read lag, because the callback about a recent edit may not have arrived."""

Progress = Callable[[str], None]


@dataclass(slots=True)
class Seen:
    """What the walks of both sides found. `shown`: pairs, by side. `doubtful`: pairs that must be read. `drifted`: by
    field, the pairs in which it was edited on a side that does not cross."""

    shown: dict[Side, Numbers] = field(default_factory=lambda: {side: Numbers() for side in SIDES})
    keys: dict[Side, Keys] = field(default_factory=lambda: {side: Keys() for side in SIDES})
    doubtful: Numbers = field(default_factory=Numbers)
    drifted: dict[str, Numbers] = field(default_factory=dict)


class Verification:
    """Verifies one mapping. Only reads. With `repair`, the routes of events, records that differ are marked as due."""

    def __init__(
        self, subject: Subject, progress: Progress = lambda text: None, *, repair: Routes | None = None
    ) -> None:
        self._subject = subject
        self._progress = progress
        self._repair = repair
        self._money = list(money_fields(subject.mapping))
        self._states: Mapping[str, MappingState] = {}
        self._known: dict[Side, frozenset[str]] = {}
        scope = subject.scope
        ends = {side: (subject.mapping.side(side).name, scope.endpoint(side).entity) for side in SIDES}
        self.report = Report(subject.mapping.name, ends, subject.store.now())
        self._young: list[str] = []

    async def run(self, sample: Sequence[int] | None = None) -> Report:
        """Verify the whole mapping, or only the pairs with these link ids. The report says what ended it early."""
        with calls_for(Priority.RECONCILE):
            return await self._run(sample)

    async def _run(self, sample: Sequence[int] | None) -> Report:
        report, store = self.report, self._subject.store
        report.sample = None if sample is None else len(sample)
        self._states = await store.mappings.states()
        try:
            if sample is None:
                seen = Seen()
                for side in SIDES:
                    await self._walk(side, seen)
                await self._pairs(seen)
                for side in SIDES:
                    await self._duplicates(side, seen.keys[side])
            else:
                for start in range(0, len(sample), PORTION):
                    links = await store.links.many(sample[start : start + PORTION])
                    await self._look(list(links.values()))
        except RemoteError as error:
            report.fault = str(error)
        report.seconds = store.now() - report.started_at
        return report

    async def _mark(self, side: Side, record_ids: Sequence[str]) -> None:
        """Mark records as due if a repair was requested. The running bridge then syncs them."""
        if self._repair is None or not record_ids:
            return
        endpoint = self._subject.scope.endpoint(side)
        events = [
            Event(endpoint.system, endpoint.entity, record_id, EventKind.CHANGED, Origin.RECONCILE)
            for record_id in record_ids
        ]
        await self._subject.store.events.accept(events, self._repair)
        self.report.repaired += len(events)

    # One side's listing.

    async def _walk(self, side: Side, seen: Seen) -> None:
        connector, endpoint, token = self._subject.connector(side), self._subject.scope.endpoint(side), None
        before: set[str] = set()  # ids of the page before: some pages overlap
        while True:
            page: Page = await patiently(
                self._subject.clock, lambda at=token: connector.list(endpoint.entity, since=None, page=at, where={})
            )
            new = [row for row in page.rows if isinstance(row, Record) and row.ref.id not in before]
            columns = self._subject.mapping.line_columns(side)
            whole = await patiently(
                self._subject.clock,
                lambda some=new, wanted=columns: with_lines(connector, endpoint.entity, some, wanted),
            )
            rows = [row for row in whole if isinstance(row, Record)]
            before = {row.ref.id for row in page.rows}
            self.report.rows[side] += len(rows)
            self.report.skipped[side] += page.skipped
            for start in range(0, len(rows), PORTION):
                await self._rows(side, rows[start : start + PORTION], seen)
            self._progress(f"{self.report.names[side]}: {self.report.rows[side]} rows read")
            token = page.next
            if token is None:
                await self._look_for_young(side)
                return

    async def _rows(self, side: Side, rows: Sequence[Record], seen: Seen) -> None:
        mapping, store = self._subject.mapping, self._subject.store
        links = await store.links.resolve(mapping.name, side, [row.ref.id for row in rows])
        readings = await self._resolved({row.ref.id: translate.read(mapping, side, row.fields) for row in rows}, side)
        alone: list[Record] = []
        for row in rows:
            link, reading = links.get(row.ref.id), readings[row.ref.id]
            if translate.passes_where(mapping, side, row.fields) is not False:
                for key in translate.side_keys(mapping, reading.values):
                    seen.keys[side].add(key.hash, row.ref.id)
            if link is None or link.state is LinkState.INTENDED or link.record_id(side) != row.ref.id:
                alone.append(row)
                continue
            seen.shown[side].add(link.id)
            verdict = judge_row(mapping, side, row.fields, reading, link, await self._shown(side, row))
            self._note(link.id, verdict, seen)
        await self._alone(side, alone)

    @staticmethod
    def _note(link: int, verdict: RowVerdict, seen: Seen) -> None:
        if verdict.look:
            seen.doubtful.add(link)
        for name in verdict.drifted:
            seen.drifted.setdefault(name, Numbers()).add(link)

    async def _shown(self, side: Side, row: Record) -> frozenset[str]:
        """Return the fields that a single read shows, learned from one record. Listings may show fewer."""
        if side not in self._known:
            found = await read(self._subject, side, row.ref.id)
            shown = found.fields if isinstance(found, Record) else row.fields
            whole = translate.read(self._subject.mapping, side, shown)
            self._known[side] = whole.off.union(whole.hashes)
            wanted = {
                row.name for row in self._subject.mapping.fields if row.set_on != "create" and row.columns_of(side)
            }
            name = self._subject.mapping.side(side).name
            self.report.unshown |= {f"{name}.{one}" for one in wanted - self._known[side]}
            listed = translate.read(self._subject.mapping, side, row.fields)
            hidden = self._known[side] - listed.off.union(listed.hashes)
            if hidden:
                told = f"listings do not show {', '.join(sorted(hidden))}: each record is read by itself"
                self._progress(f"{self.report.names[side]}: {told}")
        return self._known[side]

    async def _resolved(self, readings: Mapping[str, Reading], side: Side) -> dict[str, Reading]:
        """Return the readings with references to linked records as links. References to other records are counted."""
        wanted: dict[tuple[str, Side], set[str]] = {}
        values_read = (value for reading in readings.values() for value in reading.values.values())
        for one in (part for value in values_read for part in parts_of(value) if isinstance(part, Reference)):
            wanted.setdefault((one.mapping, one.side), set()).add(one.id)
        found: dict[Reference, LinkId] = {}
        for (name, of), record_ids in wanted.items():
            for record_id, link in (await self._subject.store.links.resolve(name, of, sorted(record_ids))).items():
                if usable(link):
                    found[Reference(name, of, record_id)] = LinkId(link.id, merged_away=link.record_id(of) != record_id)
        resolved: dict[str, Reading] = {}
        for record_id, reading in readings.items():
            values: dict[str, Any] = {}
            for name, value in reading.values.items():
                values[name] = with_parts(value, lambda one: found.get(one, one) if isinstance(one, Reference) else one)
                if names_unlinked(values[name]) and side.other in self._subject.mapping.named[name].flows:
                    self.report.references[name].add(f"{self._subject.named(side, record_id)} names {value}")
            resolved[record_id] = replace(reading, values=values)
        return resolved

    async def _alone(self, side: Side, rows: Sequence[Record]) -> None:
        """Count records without a counterpart, by reason. A young one is checked later: its callback may be coming."""
        store, definite = self._subject.store, list[str]()
        record_ids = [row.ref.id for row in rows]
        tasks, histories = await self._known_of(side, record_ids)
        forgotten = await store.forgotten.among([row.ref for row in rows])
        for row in rows:
            record_id = row.ref.id
            why = why_alone(
                self._subject.mapping,
                side,
                row,
                tasks.get(record_id),
                histories.get(record_id),
                self._states[self._subject.mapping.name],
                forgotten=row.ref in forgotten,
            )
            if why == UNMATCHED and _young(row, store.now()):
                self._young.append(record_id)
                continue
            self.report.alone[side][why].add(self._subject.named(side, record_id))
            if why == UNMATCHED:
                definite.append(record_id)
        await self._mark(side, definite)
        if len(self._young) >= PORTION:
            await self._look_for_young(side)

    async def _known_of(self, side: Side, record_ids: Sequence[str]) -> tuple[dict[str, Task], dict[str, Link]]:
        """Return the tasks of records, and for each record the youngest link that names it."""
        name, store = self._subject.mapping.name, self._subject.store
        tasks = await store.verifications.tasks([TaskKey(name, side, record_id) for record_id in record_ids])
        histories = await store.verifications.histories(name, side, record_ids)
        return {key.record_id: task for key, task in tasks.items()}, histories

    async def _look_for_young(self, side: Side) -> None:
        """Look again at young records without a counterpart, after the time in which their callbacks must have come."""
        record_ids, self._young = self._young, []
        if not record_ids:
            return
        await self._subject.clock.sleep(self._subject.read_lag + GRACE_SECONDS)
        linked = await self._subject.store.links.resolve(self._subject.mapping.name, side, record_ids)
        tasks, _ = await self._known_of(side, [record_id for record_id in record_ids if record_id not in linked])
        unmatched: list[str] = []
        for record_id in record_ids:
            if record_id in linked:  # it crossed meanwhile, so it is compared with the pairs
                continue
            task = tasks.get(record_id)
            why = "waiting" if task is not None and task.state is not TaskState.IDLE else UNMATCHED
            self.report.alone[side][why].add(self._subject.named(side, record_id))
            if why == UNMATCHED:
                unmatched.append(record_id)
        await self._mark(side, unmatched)

    # The pairs.

    async def _pairs(self, seen: Seen) -> None:
        """Judge each pair once: if both rows showed their base, it is equal; otherwise it is read."""
        mapping, store = self._subject.mapping, self._subject.store
        after, looked = 0, 0
        doubtful: list[Link] = []
        while links := await store.verifications.pairs(mapping.name, after, PORTION):
            after = links[-1].id
            for link in links:
                if link.id in seen.doubtful or any(link.id not in seen.shown[side] for side in SIDES):
                    doubtful.append(link)
                elif link.state is LinkState.FROZEN:
                    self._count(link, "frozen")
                else:
                    self._equal(link, seen)
            if len(doubtful) >= PORTION:
                await self._look(doubtful)
                looked += len(doubtful)
                self._progress(f"{mapping.name}: {looked} pairs read by themselves")
                doubtful = []
        await self._look(doubtful)

    def _equal(self, link: Link, seen: Seen) -> None:
        self.report.pairs["equal"].number += 1
        drifted = {name for name, links in seen.drifted.items() if link.id in links}
        for name in drifted.union(kept_of_base(self._subject.mapping, link)):
            self.report.kept[name].add(self._both(link))
        for name, by_side in money_of_base(self._subject.mapping, link, self._money).items():
            for side, amount in by_side.items():
                self.report.add_sum(name, side, amount)

    async def _look(self, links: Sequence[Link]) -> None:
        """Read pairs until each is equal, waits, or shows the same difference twice."""
        before: dict[int, tuple[str, ...]] = {}
        for number in range(LOOKS):
            if not links:
                return
            if number:
                await self._subject.clock.sleep(self._subject.read_lag + GRACE_SECONDS)
            current = await self._subject.store.links.many([link.id for link in links])
            links = [current[link.id] for link in links if link.id in current]
            different = [looked for looked in await self._read(links) if not self._alike(looked)]
            links, wrong = [], list[str]()
            for looked in await self._undecided(different):
                if before.get(looked.link.id) == looked.content:
                    self._counted(looked, "gone" if looked.gone else "differing")
                    wrong.append(str(looked.link.left))
                else:
                    before[looked.link.id] = looked.content
                    links.append(looked.link)
            await self._mark(Side.LEFT, wrong)
        for link in links:
            self._count(link, "waiting")

    async def _undecided(self, looks: Sequence[Looked]) -> list[Looked]:
        """Return those of the different pairs that do not wait and need no person; count the others."""
        name = self._subject.mapping.name
        keys = {one.link.id: [TaskKey(name, side, str(one.link.record_id(side))) for side in SIDES] for one in looks}
        tasks = await self._subject.store.verifications.tasks([key for both in keys.values() for key in both])
        left: list[Looked] = []
        for one in looks:
            state = _busy(one.link, [tasks[key] for key in keys[one.link.id] if key in tasks])
            if state:
                self._count(one.link, state)
            else:
                left.append(one)
        return left

    async def _read(self, links: Sequence[Link]) -> list[Looked]:
        found: list[Looked] = []
        for start in range(0, len(links), AT_ONCE):
            some = links[start : start + AT_ONCE]
            found += [one for one in await together(*(self._one(link) for link in some)) if one is not None]
        return found

    async def _one(self, link: Link) -> Looked | None:
        if link.state not in (LinkState.LIVE, LinkState.FROZEN):  # it was unlinked meanwhile
            return None
        try:
            return await look(self._subject, link)
        except RetryLater:  # a record that cannot be read must not stop the others
            self._count(link, "unread")
            if self.report.pairs["unread"].number >= UNREAD_LIMIT:
                raise
            return None

    def _alike(self, looked: Looked) -> bool:
        """Count a pair that the bridge would not change, and return whether it is one."""
        verdict = looked.verdict
        if verdict is None or verdict.state is State.DIFFERING:
            return False
        if verdict.state is State.FROZEN:
            self._count(looked.link, "frozen")
        else:
            self._counted(looked, "equal")
        return True

    def _counted(self, looked: Looked, state: str) -> None:
        link, verdict, report = looked.link, looked.verdict, self.report
        records = {
            self._subject.mapping.side(side).name: self._subject.named(side, link.record_id(side)) for side in SIDES
        }
        if verdict is not None:
            for name, difference in verdict.fields.items():
                report.fields[name].add(pair_example(records, difference))
            for name in verdict.kept:
                report.kept[name].add(self._both(link))
            for name, by_side in verdict.money.items():
                for side, amount in by_side.items():
                    report.add_sum(name, side, amount)
            report.unshown |= {f"{self._subject.mapping.side(side).name}.{name}" for side, name in verdict.unshown}
        self._count(link, state)

    def _count(self, link: Link, state: str) -> None:
        if state == "equal":
            self.report.pairs[state].number += 1
        else:
            self.report.pairs[state].add(self._both(link))

    def _both(self, link: Link) -> str:
        return f"{self._subject.named(Side.LEFT, link.left)} and {self._subject.named(Side.RIGHT, link.right)}"

    # Duplicates.

    async def _duplicates(self, side: Side, keys: Keys) -> None:
        """Count match keys that several records of a side showed. Ids that are no numbers come from the match index."""
        mapping, store, tally = self._subject.mapping, self._subject.store, self.report.duplicates[side]
        for key, record_ids in keys.shared():
            named = [record_id for record_id in record_ids if record_id is not None]
            if len(named) < len(record_ids) and len(tally.examples) < EXAMPLES:
                known = await store.verifications.sharing(mapping.name, side, [key])
                named = next(iter(known.values()), named)
            tally.add(
                " = ".join(self._subject.named(side, record_id) for record_id in named) or f"{len(record_ids)} records"
            )


def _young(record: Record, now: float) -> bool:
    """Return whether the record was touched within YOUNG_SECONDS, or the vendor does not say when."""
    touched = [epoch(moment) for moment in (record.modified_at, record.created_at) if moment is not None]
    return not touched or max(touched) > now - YOUNG_SECONDS


def _busy(link: Link, tasks: Iterable[Task]) -> str:
    """Return "dead" if a pair needs a person, "waiting" if the bridge is syncing it, and "" otherwise."""
    states = {task.state for task in tasks}
    if TaskState.DEAD in states:
        return "dead"
    return "waiting" if states - {TaskState.IDLE} or link.sent_left or link.sent_right else ""
