"""Which message a target gets, and when: laws over random histories of health, on virtual time."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.memory import Memory, loaded
from bridge.alerts.policy import (
    Change,
    LastTold,
    Line,
    Pending,
    Rule,
    Standing,
    after_delivery,
    differences,
    due,
    standing_now,
)
from bridge.alerts.quiet import QuietHours
from bridge.monitoring.health import Status

STEP = 15.0
BEGIN = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)
"""The night in which clocks go forward in Europe."""
OSLO = ZoneInfo("Europe/Oslo")
NIGHT = QuietHours(time(22), time(7), OSLO)
PARTS = ("store", "hooks", "waiting")

Health = dict[str, Status]


@dataclass
class World:
    """One target that gets messages in steps of 15 seconds, as `Alerts` sends them."""

    rule: Rule
    now: float = 0.0
    memory: Memory = field(default_factory=Memory)
    pending: Pending = field(default_factory=Pending)
    sent: list[tuple[float, Sequence[Line]]] = field(default_factory=list)

    @property
    def moment(self) -> datetime:
        return BEGIN + timedelta(seconds=self.now)

    def step(self, health: Health, *, reached: bool = True, seconds: float = STEP) -> None:
        self.now += seconds
        told = self.memory.last_told.get("mail", {})
        standing = standing_now(self.memory.standing, health, self.now)
        lines = differences(told, standing, self.rule, self.now, self.moment)
        ready, self.pending = due(self.pending, lines, self.rule, self.now)
        if ready and reached:
            self.sent.append((self.now, lines))
            told, self.pending = after_delivery(told, lines, self.now), Pending()
        self.memory = Memory(standing, {"mail": told})

    def restart(self) -> None:
        """Restart the bridge: everything that is not in the store is lost."""
        self.memory, self.pending = loaded(self.memory.dumped()), Pending()

    def rest(self, health: Health, hours: float) -> None:
        seconds = STEP if hours < 1 else 300.0
        self.step(health)
        for _ in range(int(hours * 3600 / seconds)):
            self.step(health, seconds=seconds)


law = settings(max_examples=50, deadline=None)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Health, int, bool, bool]]:
    """Stretches of health: each part's state, the number of steps, whether messages arrive, a restart before."""
    stretch = st.tuples(
        st.fixed_dictionaries({part: st.sampled_from(list(Status)) for part in PARTS}),
        st.integers(1, 12),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([False, False, False, True]),
    )
    return draw(st.lists(stretch, min_size=1, max_size=15))


rules = st.builds(
    Rule,
    least=st.sampled_from([Status.WARN, Status.FAIL]),
    group_seconds=st.sampled_from([30.0, 60.0, 120.0]),
    repeat_seconds=st.sampled_from([600.0, 86_400.0]),
    quiet=st.sampled_from([None, NIGHT, QuietHours(time(22), time(7), OSLO, None)]),
)


def lived(rule: Rule, history: list[tuple[Health, int, bool, bool]]) -> World:
    world = World(rule)
    for health, steps, reached, restarts in history:
        if restarts:
            world.restart()
        for _ in range(steps):
            world.step(health, reached=reached)
    return world


WELL = dict.fromkeys(PARTS, Status.PASS)


@law
@given(rules, histories())
def test_each_problem_is_reported_once_before_it_is_resolved_whatever_fails_or_restarts(
    rule: Rule, history: list[tuple[Health, int, bool, bool]]
) -> None:
    world = lived(rule, history)
    open_: dict[str, Status] = {}
    for _, lines in world.sent:
        for line in lines:
            assert (line.change is Change.BEGAN) == (line.part not in open_)
            assert line.severity >= rule.least
            if line.change is Change.RESOLVED:
                del open_[line.part]
                continue
            if line.change in (Change.WORSE, Change.BETTER):
                assert (line.status > open_[line.part]) == (line.change is Change.WORSE)
            open_[line.part] = line.status
    assert open_ == {part: told.status for part, told in world.memory.last_told["mail"].items()}


@law
@given(rules, histories())
def test_messages_are_as_far_apart_as_a_group_waits(rule: Rule, history: list[tuple[Health, int, bool, bool]]) -> None:
    times = [at for at, _ in lived(rule, history).sent]
    assert all(later - earlier >= rule.group_seconds for earlier, later in itertools.pairwise(times))


@law
@given(rules, histories())
def test_after_half_a_day_of_good_health_everything_is_resolved_and_silent(
    rule: Rule, history: list[tuple[Health, int, bool, bool]]
) -> None:
    world = lived(rule, history)
    before = len(world.sent)
    world.rest(WELL, 13)
    assert world.memory.last_told["mail"] == {}
    assert len(world.sent) <= before + 2
    resolved = [line for _, lines in world.sent[before:] for line in lines]
    assert all(line.change is Change.RESOLVED for line in resolved)


@law
@given(rules, histories())
def test_in_quiet_hours_only_severe_problems_are_reported(
    rule: Rule, history: list[tuple[Health, int, bool, bool]]
) -> None:
    world = lived(rule, history)
    for at, lines in world.sent:
        if rule.quiet is not None and rule.quiet.holds(BEGIN + timedelta(seconds=at)):
            assert rule.quiet.passes is not None
            assert all(line.severity >= rule.quiet.passes for line in lines)


@law
@given(rules, histories(), st.sampled_from([Status.WARN, Status.FAIL]))
def test_a_lasting_problem_is_reported_with_the_time_it_began(
    rule: Rule, history: list[tuple[Health, int, bool, bool]], status: Status
) -> None:
    world = lived(rule, history)
    world.rest({**WELL, "store": status}, 13)
    told = world.memory.last_told["mail"].get("store")
    assert (told is not None) == (status >= rule.least)
    if told is not None:
        assert told.since <= world.now - 12 * 3600


def test_a_problem_that_ends_before_its_group_is_sent_is_never_reported() -> None:
    world = World(Rule())
    for _ in range(3):
        world.step({"hooks": Status.WARN})
    world.rest({"hooks": Status.PASS}, 1)
    assert world.sent == []


def test_problems_that_begin_together_are_one_message_worst_first() -> None:
    world = World(Rule())
    world.step({"hooks": Status.WARN})
    world.rest({"hooks": Status.WARN, "store": Status.FAIL}, 0.1)
    ((_, lines),) = world.sent
    assert [(line.part, line.change) for line in lines] == [("store", Change.BEGAN), ("hooks", Change.BEGAN)]


def test_a_problem_that_stays_is_reported_again_after_a_day_with_the_time_it_began() -> None:
    world = World(Rule())
    world.rest({"hooks": Status.WARN}, 30)
    assert [[line.change for line in lines] for _, lines in world.sent] == [[Change.BEGAN], [Change.STILL]]
    assert {line.since for _, lines in world.sent for line in lines} == {STEP}


def test_a_restart_repeats_no_message() -> None:
    world = World(Rule())
    world.rest({"hooks": Status.WARN}, 1)
    for _ in range(20):
        world.restart()
        world.rest({"hooks": Status.WARN}, 0.1)
    assert len(world.sent) == 1


def test_a_target_for_failures_gets_a_resolved_message_when_a_failure_becomes_a_warning() -> None:
    world = World(Rule(least=Status.FAIL))
    world.rest({"store": Status.FAIL}, 0.1)
    world.rest({"store": Status.WARN}, 0.1)
    assert [[line.change for line in lines] for _, lines in world.sent] == [[Change.BEGAN], [Change.RESOLVED]]


def test_the_stored_state_contains_no_text_about_a_record() -> None:
    memory = Memory({"waiting": Standing(Status.WARN, 1.0)}, {"mail": {"waiting": LastTold(Status.WARN, 2.0, 1.0)}})
    assert memory.dumped() == {
        "standing": {"waiting": ["warn", 1.0]},
        "told": {"mail": {"waiting": ["warn", 2.0, 1.0]}},
    }
    assert loaded(memory.dumped()) == memory


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [
        (NIGHT, datetime(2026, 1, 5, 21, 0, tzinfo=UTC), True),  # 22:00 in winter
        (NIGHT, datetime(2026, 1, 5, 20, 59, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 7, 5, 20, 0, tzinfo=UTC), True),  # 22:00 in summer
        (NIGHT, datetime(2026, 7, 5, 4, 59, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 7, 5, 5, 0, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 3, 29, 4, 59, tzinfo=UTC), True),  # 06:59, after clocks went forward
        (NIGHT, datetime(2026, 3, 29, 5, 0, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 10, 25, 5, 59, tzinfo=UTC), True),  # 06:59, after clocks went back
        (QuietHours(time(12), time(13), OSLO), datetime(2026, 1, 5, 11, 30, tzinfo=UTC), True),
        (QuietHours(time(12), time(13), OSLO), datetime(2026, 1, 5, 12, 0, tzinfo=UTC), False),
    ],
)
def test_quiet_hours_follow_local_time(hours: QuietHours, at: datetime, quiet: bool) -> None:
    assert hours.holds(at) is quiet
