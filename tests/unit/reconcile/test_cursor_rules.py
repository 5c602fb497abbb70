"""Where the next incremental sweep begins."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.catalog import EntityManifest
from bridge.domain.seams import TRUSTED_SKEW_SECONDS
from bridge.reconcile.reconciler import OVERLAP_SECONDS, _next_value
from bridge.store.cursors import Cursor

FACTS = EntityManifest(columns={}, read_lag=3.0)
BEHIND = OVERLAP_SECONDS + 3.0
NOW = 1_800_000_000.0
moments = st.floats(NOW - 10_000, NOW + 10_000)


def cursor(value: float | None = NOW - 5000, started: float = NOW) -> Cursor:
    return Cursor("crm1", "deal", "incremental", value=value, sweep=1, started_at=started)


def test_it_follows_the_newest_time_the_vendor_showed() -> None:
    assert _next_value(cursor(), NOW - 20, FACTS) == NOW - 20 - BEHIND


def test_it_never_passes_our_start_however_far_ahead_the_vendors_clock_is() -> None:
    assert _next_value(cursor(), NOW + 900, FACTS) == NOW - BEHIND


def test_without_a_vendors_time_it_trusts_our_clock_only_to_a_limit() -> None:
    assert _next_value(cursor(), None, FACTS) == NOW - TRUSTED_SKEW_SECONDS - BEHIND
    assert _next_value(cursor(), NOW - 4000, FACTS) == NOW - TRUSTED_SKEW_SECONDS - BEHIND


def test_it_stays_behind_by_the_lag_of_the_vendors_listing() -> None:
    late = replace(FACTS, since_lag=240.0)
    assert _next_value(cursor(), NOW - 20, late) == NOW - 20 - BEHIND - 240


def test_it_never_goes_back() -> None:
    assert _next_value(cursor(value=NOW - 100), NOW - 4000, FACTS) is None


@given(moments, st.none() | moments)
def test_it_moves_forward_and_stays_the_overlap_and_read_lag_behind_our_start(
    value: float, newest: float | None
) -> None:
    following = _next_value(cursor(value=value), newest, FACTS)
    assert following is None or value < following <= NOW - BEHIND
