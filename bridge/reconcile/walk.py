"""Reads one listing from its cursor on, page by page. A page's marks and the cursor move in one transaction."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.connectors.lines import with_lines
from bridge.connectors.protocols import Connector, Page
from bridge.domain.errors import RateLimited
from bridge.domain.event import Origin
from bridge.domain.priority import Priority, calls_for
from bridge.domain.record import Gone, Record, why_unstorable
from bridge.domain.seams import Seams, epoch
from bridge.reconcile.page import PageMarks, Purpose, Use, judge
from bridge.store.cursors import Cursor, CursorMove
from bridge.store.engine import Store
from bridge.store.hooks import SweptChange
from bridge.store.model import Routes, Unstorable

log = logging.getLogger(__name__)

Found = Callable[[Sequence[SweptChange]], None]

PRIORITY = {Origin.RECONCILE: Priority.RECONCILE, Origin.BACKFILL: Priority.BACKFILL}
PORTION = 100  # rows that are judged and stored before waiting callbacks are handled
LONGEST_PAUSE_SECONDS = 300.0  # a rate limit that lasts longer ends the sweep; the next one continues at its page


@dataclass(slots=True)
class Sweep:
    """What one sweep did. `missed`: changes that no callback had reported. `fault`: why it ended early.

    `skipped`: rows of the listing that could not be understood. `held`: marked rows that would be held as duplicates;
    `duplicates` names some of them. Both are only for the preview of a backfill.
    """

    system: str
    entity: str
    kind: str
    rows: int = 0
    marked: int = 0
    missed: int = 0
    skipped: int = 0
    held: int = 0
    duplicates: list[str] = field(default_factory=list)
    fault: str = ""

    def __str__(self) -> str:
        where = f"{self.system} {self.entity}".strip()  # a backfill names a mapping and no system
        text = f"{where}: {self.kind} sweep, {self.rows} rows, {self.marked} to sync"
        text += f", {self.held} of them would be held as duplicates ({self._duplicates()})" if self.held else ""
        text += f", {self.skipped} rows could not be understood" if self.skipped else ""
        return f"{text}; ended early: {self.fault}" if self.fault else text

    def _duplicates(self) -> str:
        more = self.held - len(self.duplicates)
        return "; ".join(self.duplicates) + (f"; and {more} more" if more else "")


@dataclass(slots=True)
class Walk:
    """One walk. `newest`: the highest modification time seen, by the vendor's clock. `total`: the vendor's row count.

    `left_out`: rows that the store does not keep. `whole`: no row of this sweep was skipped, also not before it was
    interrupted; only then a record that the listing does not show is absent. `found`: called with changes that no task
    knew of.
    """

    connector: Connector
    store: Store
    seams: Seams
    routes: Routes
    uses: Sequence[Use]
    purpose: Purpose
    cursor: Cursor
    report: Sweep
    found: Found = lambda changes: None
    newest: float | None = None
    total: int | None = None
    left_out: int = 0
    whole: bool = True

    async def page(self, token: str | None, since: datetime | None) -> Page:
        """Return one page of the listing. Waits when a rate limit lasts at most LONGEST_PAUSE_SECONDS."""
        waited = 0.0
        columns = [column for use in self.uses for column in use.mapping.line_columns(use.side)]
        while True:
            try:
                with calls_for(PRIORITY[self.purpose.origin]):
                    page = await self.connector.list(self.cursor.entity, since=since, page=token, where={})
                    kept = [row for row in page.rows if self._can_be_kept(row)]
                    kept = await with_lines(self.connector, self.cursor.entity, kept, columns)
                return replace(page, rows=await self._without_forgotten(kept))
            except RateLimited as error:
                waited += max(error.after_seconds, 1.0)
                if error.daily or waited > LONGEST_PAUSE_SECONDS:
                    raise
                await self.seams.clock.sleep(max(error.after_seconds, 1.0))

    async def _without_forgotten(self, rows: Sequence[Record | Gone]) -> list[Record | Gone]:
        """Leave out records that a person told the bridge to forget: nothing is stored or done about them."""
        forgotten = await self.store.forgotten.among([row.ref for row in rows])
        self.left_out += len(forgotten)
        return [row for row in rows if row.ref not in forgotten]

    def _can_be_kept(self, row: Record | Gone) -> bool:
        """Return whether the store can keep the row's ids. A row that it cannot keep is logged and left out."""
        named = [row.ref.id, row.merged_into or ""] if isinstance(row, Gone) else [row.ref.id]
        wrong = next(filter(None, map(why_unstorable, named)), "")
        if wrong:
            self.left_out += 1
            told = {"entity": f"{row.ref.system} {row.ref.entity}", "record": ascii(row.ref.id[:40]), "reason": wrong}
            log.warning("a row of a listing was left out", extra=told)
        return not wrong

    async def run(self, since: datetime | None) -> None:
        """Walk to the end of the listing. The cursor moves with each page; the caller closes it at the end."""
        token = self.cursor.page
        self.whole = self.cursor.complete
        while True:
            page = await self.page(token, since)
            self._learn(page)
            await self.store_page(page.rows, self._move(token, page.next))
            if page.next is None:
                return
            token = page.next

    def _learn(self, page: Page) -> None:
        self.total = page.total if page.total is not None else self.total
        moments = [epoch(row.modified_at) for row in page.rows if row.modified_at is not None]
        self.newest = max([*moments, *([self.newest] if self.newest is not None else [])], default=None)
        self.report.rows += len(page.rows)
        self.report.skipped += page.skipped
        self.whole = self.whole and not page.skipped

    def _move(self, before: str | None, after: str | None) -> CursorMove:
        cursor = self.cursor
        return CursorMove(
            cursor.system,
            cursor.entity,
            cursor.kind,
            cursor.sweep,
            page=after,
            expect_page=before,
            complete=self.whole,
            total=self.total,
        )

    async def store_page(self, rows: Sequence[Record | Gone], move: CursorMove | None) -> None:
        """Judge and store rows in portions, each in one transaction. The cursor moves with the last portion.

        A row that the store cannot keep is logged and left out; the others are stored.
        """
        stay = None if move is None else replace(move, page=move.expect_page)
        last = max(len(rows) - 1, 0) // PORTION * PORTION
        for start in range(0, last, PORTION):
            await self._store_portion(rows[start : start + PORTION], stay, stay)
        await self._store_portion(rows[last:], move, stay)

    async def _store_portion(
        self, rows: Sequence[Record | Gone], move: CursorMove | None, stay: CursorMove | None
    ) -> None:
        try:
            await self._accept(rows, move)
        except Unstorable:
            for row in rows:
                await self._accept_alone(row, stay)
            await self._accept((), move)

    async def _accept_alone(self, row: Record | Gone, stay: CursorMove | None) -> None:
        try:
            await self._accept((row,), stay)
        except Unstorable as error:
            self.left_out += 1
            log.warning("a row of a listing was left out", extra={"record": ascii(str(row.ref)), "reason": str(error)})

    async def _accept(self, rows: Sequence[Record | Gone], move: CursorMove | None) -> None:
        marks = await judge(self.store, self.uses, rows, self.purpose, self.store.now())
        await self._store_marks(marks, move)
        self.report.marked += len(marks.events)
        self.report.missed += marks.missed
        self.found(marks.missed_changes)

    async def _store_marks(self, marks: PageMarks, move: CursorMove | None) -> None:
        events = list(marks.events.values())
        await self.store.events.accept(
            events, self.routes, move, marks.records, marks.keys, marks.decided, run=self.cursor.run
        )
