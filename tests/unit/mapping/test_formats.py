"""`format`: days, moments and numbers in texts are read and written in the rule's format, and come back unchanged."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import ConfigError
from bridge.mapping.round_trip import Verdict, round_trips
from bridge.mapping.translate import same
from bridge.mapping.types.kind import Kind
from bridge.mapping.types.registry import make_kind
from bridge.mapping.values import Untranslatable

from .files import HEAD, mapping_of

TEXT = frozenset({"text"})
DAYS = ["DD.MM.YYYY", "D.M.YYYY", "MM/DD/YYYY", "YYYY-MM-DD", "YYYYMMDD", "DD MM YYYY"]
MOMENTS = ["DD.MM.YYYY HH:mm:ss ZZ", "YYYY-MM-DDTHH:mm:ssZZ", "D/M/YYYY H:mm:ss (ZZ)"]
NUMBERS = ["#,##0.00", "#.##0,00", "# ##0,00", "#'##0.00", "0.00", "0,0#"]


def there_and_back(kind: Kind, value: Any) -> Any:
    shape = kind.shapes[TEXT]
    return shape.join(shape.split(value))


@given(st.sampled_from(DAYS), st.dates(min_value=date(1, 1, 1)))
def test_a_day_comes_back(text: str, day: date) -> None:
    assert there_and_back(make_kind("date", {"format": text}), day) == day


@given(st.sampled_from(MOMENTS), st.sampled_from(["Europe/Oslo", "Asia/Singapore"]), st.integers(0, 3_000_000_000))
def test_a_moment_with_its_offset_comes_back(text: str, zone: str, seconds: int) -> None:
    moment = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert there_and_back(make_kind("instant", {"format": text, "zone": zone}), moment) == moment


@given(st.sampled_from(NUMBERS), st.decimals(-(10**12), 10**12, places=2))
def test_a_number_of_two_decimals_comes_back(text: str, number: Decimal) -> None:
    assert there_and_back(make_kind("decimal", {"format": text}), number) == number


@given(st.sampled_from(["000000", "#,##0", "#.##0", "0"]), st.integers(-(10**9), 10**9))
def test_a_whole_number_comes_back(text: str, number: int) -> None:
    assert there_and_back(make_kind("integer", {"format": text}), number) == number


@pytest.mark.parametrize(
    ("kind", "text", "value", "written"),
    [
        ("date", "D.M.YYYY", date(2026, 3, 1), "1.3.2026"),
        ("instant", "DD.MM.YYYY HH:mm", datetime(2026, 7, 1, 10, tzinfo=UTC), "01.07.2026 10:00"),
        ("decimal", "#.##0,00", Decimal("-1234567.5"), "-1.234.567,50"),
        ("decimal", "0,0##", Decimal("1250.25"), "1250,25"),
        ("decimal", "#'##0.00", Decimal(0), "0.00"),
        ("integer", "000000", 417, "000417"),
        ("integer", "#,##0", 1250, "1,250"),
    ],
)
def test_a_value_is_written_as_the_format_says(kind: str, text: str, value: Any, written: str) -> None:
    assert make_kind(kind, {"format": text}).shapes[TEXT].split(value) == (written,)


@pytest.mark.parametrize(
    ("kind", "text", "raw"),
    [
        ("date", "DD.MM.YYYY", "1.3.2026"),
        ("date", "DD.MM.YYYY", "30.02.2026"),
        ("date", "DD.MM.YYYY", "2026-03-01"),
        ("instant", "DD.MM.YYYY HH:mm", "01.07.2026 24:00"),
        ("instant", "DD.MM.YYYY HH:mm", "01.07.2026"),
        ("decimal", "#.##0,00", "1,250.50"),
        ("decimal", "0.00", "1,250.50"),
        ("integer", "#,##0", "1.5"),
    ],
)
def test_text_in_another_format_is_refused(kind: str, text: str, raw: str) -> None:
    with pytest.raises(Untranslatable):
        make_kind(kind, {"format": text}).parse(raw)


def test_decimals_that_the_format_cannot_show_are_not_cut_off() -> None:
    with pytest.raises(Untranslatable, match="has more than 2 decimals"):
        make_kind("decimal", {"format": "0.00"}).shapes[TEXT].split(Decimal("0.125"))


def test_when_clocks_are_put_back_the_first_of_two_hours_is_meant() -> None:
    kind = make_kind("instant", {"format": "DD.MM.YYYY HH:mm", "zone": "Europe/Oslo"})
    assert kind.parse("25.10.2026 02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


OSLO_AUTUMN = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]


@pytest.mark.parametrize("zones", ["{erp: Europe/Oslo}", "{crm: Asia/Tokyo, erp: Europe/Oslo}"])
def test_hours_that_read_the_same_are_equal_for_a_rule_that_writes_them(zones: str) -> None:
    text = "  f: {crm: a, erp: {text: b}, type: instant, format: 'DD.MM.YYYY HH:mm', lossy: true}\n"
    said = mapping_of(text, head=HEAD.replace("match:", f"zone: {zones}\nmatch:"))
    own = mapping_of(text.replace("type:", "zone: Europe/Oslo, type:"))
    first, second = OSLO_AUTUMN
    for row in (said.named["f"], own.named["f"]):
        assert same(row, first, second)
        assert not same(row, first, second + timedelta(hours=1))
    exact = mapping_of(text.replace("HH:mm", "HH:mm ZZ"), head=HEAD.replace("match:", f"zone: {zones}\nmatch:"))
    assert not same(exact.named["f"], first, second)


@given(
    st.sampled_from(["Pacific/Kiritimati", "Europe/Oslo", "America/New_York", "Pacific/Pago_Pago"]),
    st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]),
    st.timedeltas(-timedelta(days=2), timedelta(days=2)),
    st.sampled_from(["DD.MM.YYYY HH:mm:ss", "DD.MM.YYYY HH:mm:ss ZZ", None]),
)
def test_moments_at_the_ends_of_the_calendar_come_back_or_are_refused(
    zone: str, end: datetime, away: timedelta, text: str | None
) -> None:
    with suppress(OverflowError):
        end += away
    style = {} if text is None else {"format": text}
    moments = make_kind("instant", {"zone": zone, **style})
    with suppress(Untranslatable):
        back = there_and_back(moments, end)
        assert moments.same(back, end) or end.year == 1, (
            "at that time zones had offsets with seconds, which ZZ does not show"
        )
    assert moments.same(end, end)
    assert not moments.same(end, datetime(2026, 1, 1, tzinfo=UTC))
    shape = make_kind("date", {"zone": zone}).shapes[frozenset({"instant"})]
    with suppress(Untranslatable):
        assert shape.join(shape.split(end.date())) == end.date()
    with suppress(Untranslatable):
        assert shape.join((end,)) is not None


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ("{crm: a, erp: {text: b}, type: date, format: DD.MM.YYYY}", Verdict.HOLDS),
        ("{crm: a, erp: {text: b}, type: instant, format: DD.MM.YYYY HH:mm:ss ZZ}", Verdict.HOLDS),
        ("{crm: a, erp: {text: b}, type: instant, format: DD.MM.YYYY HH:mm}", Verdict.LOSES),
        ("{crm: a, erp: {text: b}, type: decimal, format: '#,##0.00'}", Verdict.LOSES),
        ("{crm: a, erp: {text: b}, type: decimal, places: 2, format: '#,##0.00'}", Verdict.HOLDS),
    ],
)
def test_the_round_trip_of_a_format_is_checked(row: str, verdict: Verdict) -> None:
    (found,) = round_trips(mapping_of(f"  f: {row}\n"))
    assert found.verdict is verdict
    assert all("let the format show the whole value" in one.instead for one in found.broken)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("type: date, format: DD.MM", "it says no year; write it like DD.MM.YYYY"),
        ("type: date, format: DD.MM.YYYY HH:mm", "a day has no hours; write type: instant"),
        ("type: date, format: dd.MM.YYYY", "`d` stands for nothing"),
        ("type: date, format: DD.DD.YYYY", "it has the day twice"),
        ("type: instant, format: DD.MM.YYYY", "it says no hour and no minute"),
        ("type: decimal, format: '1,250.50'", "write it as 1250.5 looks in it"),
        ("type: decimal, format: '#,##0,00'", "write it as 1250.5 looks in it"),
        ("type: decimal, format: 0.00, number-format: en", "keep `format`, which says all of it"),
        ("type: text, format: '0.00'", "unknown `format` in field rule f"),
    ],
)
def test_an_unknown_format_is_reported(row: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        mapping_of(f"  f: {{crm: a, erp: b, {row}}}\n")


def test_a_format_that_yaml_reads_as_a_comment_is_reported() -> None:
    with pytest.raises(ConfigError, match="put it in quotes where it begins with #"):
        mapping_of("  f:\n    crm: a\n    erp: {text: b}\n    type: decimal\n    format: #.##0,00\n")
