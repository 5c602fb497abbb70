"""Load what a decision needs from the store and the vendors, and run it. No other module reads records for a decision.

A decision is a pure function of a Draft. It runs until it needs a fact that is not there yet. Then the fact is fetched,
and the decision runs again from its beginning. So each fact is fetched once, and a decision can be tested with plain
values, without a store and without a vendor.
"""

from collections.abc import Awaitable, Callable
from collections.abc import Mapping as MappingOf
from typing import Any, TypeVar

from bridge.connectors.lines import read_whole
from bridge.connectors.protocols import Connector
from bridge.domain.errors import NeedsAuthorisation
from bridge.domain.frozen import replace
from bridge.domain.record import SIDES, Evidence, Record, RecordRef, Side
from bridge.mapping.model import Mapping
from bridge.store.model import Claim, Link
from bridge.store.questions import ANSWERERS, Question
from bridge.sync.situation import (
    CanSee,
    Draft,
    ForgetMerge,
    Lease,
    Look,
    Newest,
    NoteMerge,
    Parts,
    RequestListing,
    Search,
    Seen,
    Situation,
    WaitFor,
    Wanted,
)

CANARIES = 3
T = TypeVar("T")


class Loader:
    """One claim's facts. `draft` is the latest run of the decision. After an error it has what was gathered."""

    def __init__(self, parts: Parts, claim: Claim, mapping: Mapping) -> None:
        self.parts = parts
        self.situation = Situation(
            claim=claim,
            mapping=mapping,
            manifests={side: self._manifest(claim, side) for side in SIDES},
            scopes=parts.scopes,
            limits=parts.limits,
            now=parts.store.now(),
            chance=parts.seams.random.random(),
        )
        self.draft = Draft(self.situation)

    def _manifest(self, claim: Claim, side: Side) -> Any:
        endpoint = claim.scope.endpoint(side)
        return self.parts.connectors[endpoint.system].manifest.entities[endpoint.entity]

    async def conclude(self, decide: Callable[[Draft], T], before: Draft | None = None) -> T:
        """Run `decide` until it needs nothing more; the notes it gathered are then in `draft`.

        before: an earlier draft of this claim, whose notes are kept. Raises what the store and the connectors raise.
        """
        while True:
            self.situation = replace(self.situation, now=self.parts.store.now())
            self.draft = Draft(self.situation, before)
            try:
                return decide(self.draft)
            except Wanted as wanted:
                needs = wanted.needs
            with self.parts.seams.tracing.step("load"):
                await self._load(needs)
            if before is not None:
                before.claim = self.situation.claim

    def bare(self) -> "Loader":
        """Drop everything that was gathered for the claim."""
        self.draft = Draft(self.situation)
        return self

    def refresh(self) -> Draft:
        """Return the latest draft, with the current time."""
        self.situation = replace(self.situation, now=self.parts.store.now())
        self.draft.situation = self.situation
        return self.draft

    async def _load(self, needs: tuple[Question[Any], ...]) -> None:
        """The vendors are read before the store, so that the store's answer is not older than theirs."""
        facts: dict[Question[Any], Any] = {}
        questions = [need for need in needs if type(need) in ANSWERERS]
        for need in needs:
            if type(need) in ANSWERS:
                facts[need] = await ANSWERS[type(need)](self, need)
        if questions:
            facts.update(await self.parts.store.questions.ask(questions))
        self.situation = replace(self.situation, facts={**self.situation.facts, **facts})

    def connector(self, side: Side) -> Connector:
        return self.parts.connectors[self.situation.claim.scope.endpoint(side).system]

    async def read(self, ref: RecordRef) -> Seen:
        """Read a record once. `at` is the time of the request, because the answer may be as old as that."""
        at = self.parts.store.now()
        scope, mapping = self.situation.claim.scope, self.situation.mapping
        sides = [side for side in SIDES if scope.endpoint(side).ref(ref.id) == ref]
        columns = [column for side in sides for column in mapping.line_columns(side)]
        return Seen(await read_whole(self.parts.connectors[ref.system], ref, columns), at)

    async def _look(self, need: Look) -> Seen:
        return await self.read(need.ref)

    async def _search(self, need: Search) -> tuple[str, ...]:
        found = await self.parts.connectors[need.system].find(need.entity, need.column, need.value)
        return tuple(row.ref.id for row in found)

    async def _newest(self, need: Newest) -> tuple[Record, ...]:
        return tuple(await self.parts.connectors[need.system].newest(need.entity, after=need.after))

    async def _can_see(self, need: CanSee) -> bool:
        """Make canary reads of up to three other linked records; if none is found, check the account and a listing.

        A record that the vendor shows as deleted proves that the account can see records, like a live one. If the whole
        sample is not found, the listing must show something. Raises NeedsAuthorisation for another account.
        """
        store, scope = self.parts.store, self.situation.claim.scope
        sample = await store.records.linked_sample(scope, need.side, CANARIES, exclude=[need.record_id])
        for ref in sample:
            seen = (await self.read(ref)).found
            if isinstance(seen, Record) or seen.evidence is not Evidence.NOT_FOUND:
                return True
        endpoint, connector = scope.endpoint(need.side), self.connector(need.side)
        identity = await connector.identity()
        row = await store.systems.get(endpoint.system)
        if row.identity_key is not None and row.identity_key != identity.key:
            raise NeedsAuthorisation(endpoint.system, f"the credentials open another account: {identity.label}")
        page = await connector.list(endpoint.entity, since=None, page=None, where={})
        return bool(page.rows) or not sample

    async def _lease(self, need: Lease) -> bool:
        leased = await self.parts.store.tasks.lease(self.situation.claim, [need.ref])
        if leased is None:
            return False
        self.situation = replace(self.situation, claim=leased)
        return True

    async def _wait_for(self, need: WaitFor) -> Link | None:
        return await self.parts.store.tasks.wait_for(self.situation.claim, need.parent)

    async def _request_listing(self, need: RequestListing) -> None:
        await self.parts.store.cursors.request(need.system, need.entity, "full", by="match index")

    async def _note_merge(self, need: NoteMerge) -> None:
        await self.parts.store.records.note_merge(need.loser, need.survivor)

    async def _forget_merge(self, need: ForgetMerge) -> None:
        await self.parts.store.records.forget_merge(need.loser)


ANSWERS: MappingOf[type, Callable[[Loader, Any], Awaitable[Any]]] = {
    Look: Loader._look,
    Search: Loader._search,
    Newest: Loader._newest,
    CanSee: Loader._can_see,
    Lease: Loader._lease,
    WaitFor: Loader._wait_for,
    RequestListing: Loader._request_listing,
    NoteMerge: Loader._note_merge,
    ForgetMerge: Loader._forget_merge,
}
"""Functions, not bound methods: a loader that held its own methods would stay in memory until a garbage collection."""
