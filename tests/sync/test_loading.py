"""Each fact of a decision is fetched once, and gathered notes are kept after an error."""

from typing import Any

from bridge.domain.record import RecordRef, Side
from bridge.store.model import Claim, TaskKey
from bridge.sync.load import Loader
from bridge.sync.situation import Draft, Lease, Look, WaitFor
from tests.sync.bench import Bench

ERP = RecordRef("erp", "person", "1")


class Counted:
    """Replaces a part of the store, and notes which methods are called."""

    def __init__(self, inner: Any, asked: list[str]) -> None:
        self._inner, self._asked = inner, asked

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def noted(*args: Any, **kwargs: Any) -> Any:
            self._asked.append(name)
            return found(*args, **kwargs)

        return noted


async def _loader(bench: Bench) -> tuple[Loader, list[str]]:
    record_id = bench.crm.person_creates("person", name="Ana")
    bench.erp.person_creates("person", name="Ana")
    await bench.tell("crm", "person", record_id)
    (claim,) = await bench.store.tasks.claim(1, bench.parts.scopes, 120.0)
    asked: list[str] = []
    load = Loader(bench.parts, claim, bench.parts.mappings["people"])
    bench.store.tasks = Counted(bench.store.tasks, asked)  # type: ignore[assignment]
    return load, asked


async def test_requests_with_effects_are_made_once_in_a_claim(bench: Bench) -> None:
    load, asked = await _loader(bench)

    def decide(draft: Draft) -> Claim:
        draft.ask(WaitFor(TaskKey("people", Side.RIGHT, "1")))
        draft.ask(Lease(ERP))
        draft.ask(Look(ERP))
        return draft.claim

    first = await load.conclude(decide)
    again = await load.conclude(decide, before=load.draft)
    assert sorted(asked) == ["lease", "wait_for"]
    assert bench.erp.calls.count("read") == 1
    assert ERP in first.leased
    assert again.leased == first.leased


async def test_a_decision_that_runs_again_gathers_everything_once(bench: Bench) -> None:
    load, _ = await _loader(bench)

    def decide(draft: Draft) -> None:
        draft.say("first", "said before a fact was there")
        draft.look(ERP)
        draft.say("second", "said afterwards")

    await load.conclude(decide)
    await load.conclude(lambda draft: draft.say("third", "said of what a write did"), before=load.draft)
    assert [entry.what for entry in load.draft.journal] == ["first", "second", "third"]
    assert [entry.what for entry in load.refresh().journal] == ["first", "second", "third"]
    assert load.bare().draft.journal == []
