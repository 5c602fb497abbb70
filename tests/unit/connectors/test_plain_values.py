"""Plain values in both directions: a value that does not fit is refused, never changed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from bridge.connectors import plain_values as plain

NOON = datetime(2026, 3, 2, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("codec", "given", "gives"),
    [
        (plain.read_text, 7, "7"),
        (plain.read_text, Decimal("1.50"), "1.50"),
        (plain.read_number, "1.50", Decimal("1.50")),
        (plain.write_number, 7, Decimal(7)),
        (plain.whole, Decimal("7.0"), 7),
        (plain.read_boolean, 1, True),
        (plain.read_boolean, False, False),
        (plain.write_date, date(2026, 3, 2), "2026-03-02"),
        (plain.write_seconds, NOON, "2026-03-02T10:00:00Z"),
        (plain.in_utc, NOON.replace(tzinfo=None), NOON.replace(tzinfo=UTC)),
        (plain.write_id, "42", 42),
    ],
)
def test_values_that_fit(codec: Callable[[Any], Any], given: Any, gives: Any) -> None:
    found = codec(given)
    assert (found, type(found)) == (gives, type(gives))


@pytest.mark.parametrize(
    ("codec", "given"),
    [
        (plain.read_text, True),
        (plain.read_text, ["x"]),
        (plain.read_number, True),
        (plain.read_number, "many"),
        (plain.read_number, "NaN"),
        (plain.read_number, "1e99999"),
        (plain.write_number, "7"),
        (plain.write_number, Decimal("Infinity")),
        (plain.whole, Decimal("7.5")),
        (plain.read_boolean, "yes"),
        (plain.write_boolean, 1),
        (plain.write_date, datetime(2026, 3, 2, tzinfo=UTC)),
        (plain.write_seconds, datetime(2026, 3, 2)),  # noqa: DTZ001 - no zone is the point
        (plain.in_utc, datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))),
        (plain.write_id, "4x"),
        (plain.write_id, 42),
    ],
)
def test_values_that_do_not_fit(codec: Callable[[Any], Any], given: Any) -> None:
    with pytest.raises(ValueError, match=r"^(is not|must be) "):
        codec(given)
