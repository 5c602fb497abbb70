"""How long the worker gathers what becomes due before it takes it together."""

from bridge.sync.worker import SOON_SECONDS, TOGETHER_SECONDS, gathering_seconds


def test_few_claims_under_way_leave_short_turns() -> None:
    assert gathering_seconds(1) == SOON_SECONDS
    assert gathering_seconds(3) == SOON_SECONDS


def test_many_claims_under_way_share_their_transactions() -> None:
    assert gathering_seconds(16) == TOGETHER_SECONDS


def test_the_more_is_under_way_the_longer_it_gathers_up_to_a_limit() -> None:
    waits = [gathering_seconds(number) for number in range(100)]
    assert waits == sorted(waits)
    assert waits[-1] == TOGETHER_SECONDS
