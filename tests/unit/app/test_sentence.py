"""The state of the bridge in one sentence."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bridge.app.status import Counted, look, sentence, state_of
from bridge.app.waiting import waits_for
from bridge.cli.status import both
from bridge.domain.record import Side
from bridge.store import Store
from bridge.store.model import Lane, Task, TaskKey, TaskState
from bridge.sync.reasons import Reason


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (Counted(mappings=0), "No mapping is set up yet."),
        (Counted(mappings=1), "Everything is in sync."),
        (Counted(mappings=1, pairs=1), "The one pair is in sync."),
        (Counted(mappings=1, pairs=1200), "All 1,200 pairs in sync."),
        (Counted(mappings=1, left_behind=4), "Everything is in sync. 4 records are left behind."),
        (
            Counted(mappings=2, pairs=0, stopped=1),
            "All 0 pairs in sync. 1 hook is stopped on purpose; sweeps find the changes.",
        ),
        (
            Counted(mappings=2, dead_letters=1, silent=2, waiting=1001),
            "Not everything is in sync: 1 record needs a person, 1,001 records wait, 2 systems do not answer.",
        ),
    ],
)
def test_the_sentence_says_what_is_not_in_sync(counted: Counted, said: str) -> None:
    assert sentence(counted) == said


def waiting(code: str, reason: str) -> Task:
    key = TaskKey("people", Side.LEFT, "7")
    return Task(
        key, TaskState.WAITING, Lane.LIVE, 0, 1, 1, 0, 1, reason, 0, None, frozenset(), None, None, None, code=code
    )


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (Reason.SYSTEM, "erp: cannot connect", "erp is down: cannot connect"),
        (Reason.QUIET, "edited a moment ago", "erp is down: cannot connect; edited a moment ago"),
    ],
)
def test_a_system_that_is_down_is_mentioned_once(code: Reason, reason: str, said: str) -> None:
    assert waits_for(waiting(code, reason), {"people": ["erp is down: cannot connect"]}) == said


def test_the_answer_of_a_system_is_shown_until_it_counts_as_down() -> None:
    assert waits_for(waiting(Reason.SYSTEM, "erp: timeout"), {"people": []}) == "erp: timeout"


async def test_a_store_without_a_running_bridge_says_so_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_of(store, await look(store)) == "No bridge runs. By what the last one noted: No mapping is set up yet."

    async def silent() -> list[object]:
        return [SimpleNamespace(runs=lambda now: False)]

    monkeypatch.setattr(store.instances, "all", silent)
    monkeypatch.setattr(store.instances, "is_mute", lambda one: True)
    assert state_of(store, await look(store)).startswith("The store takes no writes: `bridge doctor` says why.")


async def test_sentence_and_rows_of_status_read_each_list_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Counter[str]()
    read = store.database.read

    def counted(work: Callable[..., object]) -> object:
        reads[work.__qualname__.partition(".<locals>")[0]] += 1
        return read(work)

    monkeypatch.setattr(store.database, "read", counted)
    await both(store)
    lists = ("Instances.all", "Hooks.all", "Verifications.last", "DeadLetters.list", "KnownColumns.all")
    for name in (*lists, "PinnedNames.renamed", "Conflicts.waiting", "Waiting.groups"):
        assert reads[name] == 1, name
    assert "Waiting.numbers" not in reads
