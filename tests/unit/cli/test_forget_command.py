"""`bridge forget` asks once, says what it erases, and can be taken back."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

import bridge.cli.forget as command
from bridge.app.seams import system_seams
from bridge.domain.errors import StoreUnavailable
from bridge.store import Store, open_store
from bridge.store.database import Database
from tests.acceptance.site import Ended, run_command
from tests.conformance.store.builders import ROUTES, SCOPES, event, left

T = TypeVar("T")
COMMAND = "`bridge forget crm person 42 --take-back` allows it again"
ERASED = f"erased; the bridge does not copy crm person 42 again ({COMMAND})"


class Place:
    """A store that a bridge has used, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "bridge.yaml"
        self.settings.write_text("store: {url: 'sqlite:///bridge.sqlite'}\n")
        self.url = f"sqlite:///{folder / 'bridge.sqlite'}"

    def on_store(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def done() -> T:
            store = await open_store(self.url, system_seams())
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(done())

    def forget(self, *more: str, record: str = "42", answer: str | None = None) -> Ended:
        return run_command(self.settings, "forget", "crm", "person", record, *more, answer=answer)

    def knows(self) -> bool:
        return self.on_store(lambda store: store.standing.get(left("42"))) is not None

    def noted(self) -> list[tuple[str, str]]:
        entries = self.on_store(lambda store: store.audit.recent(10))
        return [(entry.action, entry.answer) for entry in entries]


@pytest.fixture
def new(tmp_path: Path) -> Place:
    here = Place(tmp_path)
    here.on_store(lambda store: store.mappings.sync(SCOPES))
    return here


@pytest.fixture
def place(new: Place) -> Place:
    new.on_store(lambda store: store.events.accept([event("42")], ROUTES))
    return new


def test_it_shows_what_it_would_erase_and_a_no_erases_nothing(place: Place) -> None:
    done = place.forget(answer="n\n")
    assert done.code == 1
    assert "Erase this data of crm person 42 permanently? Nothing changes at the products." in done.out
    assert "  1  " in done.out
    assert place.knows()
    assert place.noted() == []


def test_a_yes_erases_says_so_and_the_log_of_deeds_holds_no_id(place: Place) -> None:
    done = place.forget(answer="y\n")
    assert (done.code, done.err) == (0, "")
    assert ERASED in done.out.splitlines()
    assert done.out.endswith("the store's file was rewritten and no longer contains the erased values\n")
    assert not place.knows()
    ((action, answer),) = place.noted()
    assert (action, answer.startswith("erased, with ")) == ("forget", True)
    assert "42" not in answer


def test_a_record_that_was_never_seen_is_forgotten_and_taken_back_once(new: Place) -> None:
    done = new.forget("--yes", record="7")
    assert (done.code, done.out.splitlines()[0]) == (0, "the store has no data about it")
    back = new.forget("--take-back", record="7")
    assert (back.code, "and its counterparts may be copied again" in back.out) == (0, True)
    assert "`bridge resync crm person 7` syncs it now" in back.out
    assert new.forget("--take-back", record="7").out == "crm person 7 was not forgotten\n"


def test_a_record_that_a_worker_has_is_waited_for_and_then_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(store: Store) -> None:
        await store.instances.begin()  # and never ends, as far as the store knows
        await store.tasks.claim(1, SCOPES, 3600.0, set())

    place.on_store(work)
    monkeypatch.setattr(command, "WAIT_SECONDS", 0.1)
    done = place.forget("--yes")
    assert done.code == 1
    assert "nothing was erased: " in done.err
    assert "; try again later" in done.err
    assert place.knows()


def test_where_old_copies_may_be_left_it_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(database: Database) -> None:
        raise StoreUnavailable("other connections read the file")

    monkeypatch.setattr(Database, "scrub", busy)
    done = place.forget("--yes")
    assert (done.code, ERASED in done.out) == (0, True)
    assert done.out.endswith(
        "other connections read the file; old copies may still be in them: run the command again at a quiet time\n"
    )
