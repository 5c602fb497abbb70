"""What health reports about mappings that do not run, and about duplicates."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.app.checks import DUPLICATES_SECONDS, Duplicates, duplicates, mappings
from bridge.domain.record import Side
from bridge.monitoring.health import Status
from bridge.store.model import Endpoint, MappingState, Mode, Scope, TaskKey

PEOPLE = Scope("people", "f1", "m1", Mode.LIVE, Endpoint("crm", "person"), Endpoint("erp", "contact"))
STATE = MappingState("people", "f1", "m1", Mode.LIVE, paused=False, live_since=0.0, indexed=frozenset())


def test_mappings_that_run_pass_and_their_modes_are_counted() -> None:
    for states in ({"people": STATE}, {}):
        result = mappings(states, {"people": PEOPLE})
        assert (result.status, result.output) == (Status.PASS, "1 live, 0 in shadow")


def test_a_paused_mapping_is_named_with_the_command_that_ends_it() -> None:
    result = mappings({"people": replace(STATE, paused=True)}, {"people": PEOPLE})
    assert result.status is Status.WARN
    assert "people is paused (`bridge resume people`)" in result.output


def test_wrong_changed_files_are_reported_because_the_bridge_would_not_start_with_them() -> None:
    result = mappings({"people": STATE}, {"people": PEOPLE}, ["people.yaml:20:19: unknown field `emial`"])
    assert result.status is Status.WARN
    assert "the bridge would not start with them: people.yaml:20:19: unknown field `emial`" in result.output


@pytest.mark.parametrize("other", [{"fingerprint": "f2"}, {"mode": Mode.SHADOW}])
def test_a_mapping_that_another_instance_runs_differently_is_named(other: dict[str, Any]) -> None:
    result = mappings({"people": replace(STATE, **other)}, {"people": PEOPLE})
    assert result.status is Status.WARN
    assert (
        "another instance runs people with another mapping file or mode, so this one does not process" in result.output
    )


def test_duplicates_are_a_warning_that_names_one() -> None:
    result = duplicates([TaskKey("people", Side.RIGHT, "7"), TaskKey("people", Side.RIGHT, "9")], {"people": PEOPLE})
    assert (result.status, result.value) == (Status.WARN, 2)
    assert "such as erp contact 7 of mapping people: merge them at the product (`bridge why erp contact 7`" in (
        result.output
    )
    assert duplicates([], {}).status is Status.PASS


async def test_duplicates_are_read_from_the_store_only_now_and_then() -> None:
    asked, now = [], [100.0]

    async def keys(codes: object) -> list[TaskKey]:
        asked.append(codes)
        return [TaskKey("people", Side.LEFT, "7")]

    store = SimpleNamespace(now=lambda: now[0], left_alone=SimpleNamespace(keys=keys))
    bridge: Any = SimpleNamespace(store=store, plan=SimpleNamespace(scopes={"people": PEOPLE}))
    part = Duplicates(bridge)
    assert [(await part.check()).status for _ in range(3)] == [Status.WARN] * 3
    assert len(asked) == 1
    now[0] += DUPLICATES_SECONDS
    await part.check()
    assert len(asked) == 2
