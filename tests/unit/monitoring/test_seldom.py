"""One line a minute for events that strangers can cause as often as they like."""

from bridge.monitoring.seldom import Seldom
from tests.clock import FakeClock


def test_one_line_a_minute_for_each_kind_and_the_next_says_how_many_were_left_out() -> None:
    clock = FakeClock()
    seldom = Seldom(clock.monotonic)
    assert [seldom.may_say("hang-up") for _ in range(5)] == [0, None, None, None, None]
    assert seldom.may_say("no HTTP") == 0
    clock.advance(59.9)
    assert seldom.may_say("hang-up") is None
    clock.advance(0.1)
    assert seldom.may_say("hang-up") == 5
    clock.advance(60)
    assert seldom.may_say("hang-up") == 0
