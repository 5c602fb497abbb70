"""Types are exact: what they read, what they refuse, and which values they call equal."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.record import Side
from bridge.mapping.round_trip import round_trips
from bridge.mapping.translate import folded, for_create, is_reduction, passes_where, read, same, write
from bridge.mapping.types.registry import TYPES, make_kind
from bridge.mapping.values import UNREAD, Money, Phone, Untranslatable

from .files import HEAD, mapping_of


@pytest.mark.parametrize(
    ("kind", "options", "raw", "value"),
    [
        ("text", {}, "a\r\nb", "a\nb"),
        ("text", {}, 7, "7"),
        ("integer", {}, Decimal("7.0"), 7),
        ("decimal", {}, "7.10", Decimal("7.1")),
        ("decimal", {"places": 2}, Decimal("0.125"), Decimal("0.12")),
        ("decimal", {"places": 2, "rounding": "half-up"}, Decimal("0.125"), Decimal("0.13")),
        ("boolean", {}, "false", False),
        ("date", {}, "2024-02-29", date(2024, 2, 29)),
        ("instant", {}, "2026-03-29T01:30:00+01:00", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
        ("instant", {"zone": "Europe/Oslo"}, "2026-07-01T12:00:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("email", {}, " ana@x.example ", "ana@x.example"),
        ("country", {}, "no", "NO"),
        ("country", {}, "Norway", "NO"),
        ("country", {}, "Korea, Republic of", "KR"),
        ("country", {}, "UK", "GB"),
        ("currency", {}, "eur", "EUR"),
        ("choice", {}, True, "true"),
        ("set", {}, ["b", "a", None, ""], frozenset({"a", "b"})),
        ("set", {"separator": ";"}, "a; b", frozenset({"a", "b"})),
        ("set", {}, [], None),
    ],
)
def test_a_type_reads(kind: str, options: dict[str, Any], raw: Any, value: Any) -> None:
    assert make_kind(kind, options).parse(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("text", {"a": 1}),
        ("text", True),
        ("integer", "7.5"),
        ("decimal", "7,5"),
        ("decimal", "NaN"),
        ("decimal", True),
        ("boolean", "perhaps"),
        ("date", "31.03.2026"),
        ("date", datetime(2026, 3, 31, tzinfo=UTC)),
        ("instant", "2026-07-01T12:00:00"),
        ("instant", date(2026, 3, 31)),
        ("email", "ana at x"),
        ("phone", True),
        ("country", "Norwey"),
        ("country", "EU"),
        ("currency", "EURO"),
        ("choice", ["a"]),
    ],
)
def test_a_type_refuses_with_the_value_in_the_message(kind: str, raw: Any) -> None:
    with pytest.raises(Untranslatable) as caught:
        make_kind(kind, {}).parse(raw)
    shown = raw.isoformat() if isinstance(raw, datetime) else str(raw)
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    ("currency", "amount", "rounded"),
    [("JPY", "100.5", "100"), ("KWD", "1.0005", "1.000"), ("EUR", "2.675", "2.68"), ("RSD", "10.50", "10.50")],
)
def test_money_is_rounded_half_even_to_the_decimals_of_its_currency(currency: str, amount: str, rounded: str) -> None:
    row = "  sum: {crm: {amount: a, currency: c}, erp: {amount: a, currency: c}, type: money}\n"
    reading = read(mapping_of(row), Side.LEFT, {"a": Decimal(amount), "c": currency})
    assert reading.values["sum"] == Money(Decimal(rounded), currency)


def test_a_currency_without_an_amount_is_no_money_and_clearing_leaves_the_currency() -> None:
    mapping = mapping_of("  sum: {crm: {amount: a, currency: c}, erp: {amount: a, currency: c}, type: money}\n")
    assert read(mapping, Side.LEFT, {"a": None, "c": "EUR"}).values == {"sum": None}
    assert write(mapping, Side.RIGHT, {"sum": None}, {}) == {"a": None}


def test_money_of_another_currency_does_not_go_into_a_column_of_one() -> None:
    kind = make_kind("money", {"currency": "EUR"})
    assert kind.parse(Decimal(5)) == Money(Decimal("5.00"), "EUR")
    with pytest.raises(Untranslatable, match="USD cannot go to a column that holds EUR"):
        kind.render(Money(Decimal(5), "USD"))


def test_phones_compare_in_international_form_and_keep_the_typed_text() -> None:
    phone = make_kind("phone", {"region": "NO"})
    one, two = phone.parse("22 12 34 56"), phone.parse("+47 22123456")
    assert one == two
    assert hash(one) == hash(two)
    assert (one.original, one.e164) == ("22 12 34 56", "+4722123456")
    assert phone.parse("ext. 12") == Phone(None, "EXT 12")


def test_the_prefix_of_a_phone_in_a_separate_column() -> None:
    row = "  phone: {crm: phone, erp: {number: n, prefix: p}, type: phone, region: NO}\n"
    mapping = mapping_of(row)
    for raw in ({"n": "22123456", "p": "+47"}, {"n": "22123456", "p": "47"}, {"n": "+4722123456", "p": "+1"}):
        assert read(mapping, Side.RIGHT, raw).values["phone"] == Phone("+4722123456", "")
    assert read(mapping, Side.RIGHT, {"n": None, "p": "+47"}).values["phone"] is None
    assert read(mapping, Side.RIGHT, {"p": "+47"}).values["phone"] is UNREAD
    sent = write(mapping, Side.RIGHT, {"phone": Phone("+4722123456", "22 12 34 56")}, {})
    assert sent == {"n": "22123456", "p": "+47"}


@given(
    st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.sampled_from(["UTC", "Pacific/Auckland", "America/Los_Angeles"])
)
def test_a_date_kept_as_an_instant_is_the_same_date_in_every_zone(day: date, zone: str) -> None:
    mapping = mapping_of(f"  day: {{crm: day, erp: {{instant: at}}, type: date, zone: {zone}}}\n")
    sent = write(mapping, Side.RIGHT, {"day": day}, {})
    assert read(mapping, Side.RIGHT, sent).values["day"] == day


def test_each_side_means_days_and_instants_in_the_zone_of_its_system() -> None:
    head = HEAD.replace("match:", "zone: {crm: Europe/Oslo, erp: Asia/Singapore}\nmatch:")
    rows = "  at: {crm: a, erp: b, type: instant}\n  day: {crm: {instant: c}, erp: {instant: d}, type: date}\n"
    mapping = mapping_of(rows, head)
    left = read(mapping, Side.LEFT, {"a": "2026-07-01T12:00:00", "c": datetime(2026, 6, 30, 22, tzinfo=UTC)})
    right = read(mapping, Side.RIGHT, {"b": "2026-07-01T18:00:00", "d": datetime(2026, 6, 30, 16, tzinfo=UTC)})
    assert left.values == right.values == {"at": datetime(2026, 7, 1, 10, tzinfo=UTC), "day": date(2026, 7, 1)}
    sent = write(mapping, Side.RIGHT, {"day": date(2026, 7, 1)}, {})
    assert sent == {"d": datetime(2026, 6, 30, 16, tzinfo=UTC)}
    own = mapping_of(rows.replace("type: instant", "type: instant, zone: UTC"), head)
    assert read(own, Side.LEFT, {"a": "2026-07-01T12:00:00"}).values["at"] == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert mapping.named["at"].fingerprint != mapping_of(rows).named["at"].fingerprint


def test_names_join_and_split_at_the_last_blank() -> None:
    mapping = mapping_of("  name: {crm: name, erp: {first: f, last: l}}\n")
    assert write(mapping, Side.RIGHT, {"name": "Anna Maria Lund"}, {}) == {"f": "Anna Maria", "l": "Lund"}
    assert write(mapping, Side.RIGHT, {"name": "Prince"}, {}) == {"f": None, "l": "Prince"}
    assert read(mapping, Side.RIGHT, {"f": None, "l": "Prince"}).values == {"name": "Prince"}


def test_country_names_where_a_side_stores_names() -> None:
    mapping = mapping_of("  land: {crm: land, erp: {name: country}, type: country}\n")
    assert for_create(mapping, Side.RIGHT, {"land": "KR"}) == {"country": "South Korea"}


@pytest.mark.parametrize(
    ("row", "sent", "shown", "reduced"),
    [
        ("type: text", " Ana  Lund ", "ana lund", True),
        ("type: text", "Ana Lund", "Ana L", True),
        ("type: text", "Ana Lund", "Lund", False),
        ("type: text", "Ana", None, False),
        ("type: decimal", Decimal("1.005"), Decimal("1.01"), True),
        ("type: decimal", Decimal("1.005"), Decimal("1.02"), False),
        ("type: email", "Ana@X.example", "ana@x.example", True),
        ("type: email", "ana@x.example", "bo@x.example", False),
        ("type: money", Money(Decimal("1.50"), "EUR"), Money(Decimal(2), "EUR"), True),
        ("type: money", Money(Decimal("1.50"), "EUR"), Money(Decimal("1.50"), "USD"), False),
        ("type: integer", 1, 2, False),
        ("type: boolean", True, False, False),
    ],
)
def test_which_values_count_as_a_servers_form_of_the_sent_value(row: str, sent: Any, shown: Any, reduced: bool) -> None:
    field = mapping_of(f"  f: {{crm: a, erp: b, {row}}}\n").fields[0]
    assert is_reduction(field, sent, shown) is reduced


def test_an_instant_truncated_to_seconds_is_the_servers_own_form() -> None:
    field = mapping_of("  f: {crm: a, erp: b, type: instant}\n").fields[0]
    sent = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=1))).astimezone(UTC)
    assert is_reduction(field, sent, sent.replace(microsecond=0))
    assert not is_reduction(field, sent, sent + timedelta(hours=1))


def test_every_kind_of_emptiness_is_equal_and_nothing_else_is_empty() -> None:
    field = mapping_of("  f: {crm: a, erp: b, type: integer}\n").fields[0]
    assert same(field, None, "")
    assert same(field, None, UNREAD)
    assert not same(field, 0, None)
    assert folded(field, None) == ""


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_comes_back_unchanged(name: str) -> None:
    (result,) = round_trips(
        mapping_of(
            f"  f: {{crm: {{amount: a, currency: c}}, erp: b, type: {name}}}\n"
            if name == "money"
            else f"  f: {{crm: a, erp: b, type: {name}}}\n"
        )
    )
    lost = ["1250.50 EUR comes back from erp as 1250.50"] if name == "money" else []
    assert result.tried > 0
    assert [one.what for one in result.broken[: len(lost)]] == lost
    assert bool(result.broken) == bool(lost)


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Raw values of every type."""
    return {
        "text": st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1),
        "integer": st.integers(-(10**50), 10**50),
        "decimal": st.decimals(-(10**40), 10**40, allow_nan=False, allow_infinity=False, places=9),
        "money": st.decimals(-(10**12), 10**12, places=2),
        "boolean": st.booleans(),
        "date": st.dates(),
        "instant": st.datetimes(timezones=st.just(UTC)),
        "email": st.emails(),
        "phone": st.from_regex(r"\+?[0-9 ()-]{1,15}", fullmatch=True).filter(str.strip),
        "country": st.sampled_from(["NO", "Germany", "uk"]),
        "currency": st.sampled_from(["EUR", "jpy"]),
        "choice": st.text("ab c", min_size=1).filter(str.strip),
        "user": st.text("ab1", min_size=1),
        "set": st.lists(st.text("abc", min_size=1), min_size=1),
    }[name]


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_value_that_a_type_reads_is_stored_and_written_back_unchanged(name: str) -> None:
    kind = make_kind(name, {})

    @given(values_of(name))
    def there_and_back(raw: Any) -> None:
        value = kind.parse(raw)
        if value is None:
            return
        assert kind.load(kind.dump(value)) == value
        assert kind.parse(kind.render(value)) == value
        assert kind.same(value, value)
        assert kind.fold(value)

    there_and_back()


raw_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text() | st.dates() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
COLUMNS = {
    "money": ", erp: {amount: b, currency: c}",
    "phone": ", erp: {number: b, prefix: c}",
    "date": ", erp: {instant: b}",
}


@given(raw_values)
def test_no_raw_value_breaks_a_filter(raw: Any) -> None:
    head = HEAD.replace("match:", "where: {crm: {kind: person}}\nmatch:")
    mapping = mapping_of("  f: {crm: a, erp: b}\n", head)
    assert passes_where(mapping, Side.LEFT, {"kind": raw}) is (isinstance(raw, str) and raw.strip() == "person")


@pytest.mark.parametrize("name", sorted(TYPES))
def test_no_raw_value_breaks_the_reading_of_a_record(name: str) -> None:
    mapping = mapping_of(f"  f: {{crm: 'emails.primary', type: {name}{COLUMNS.get(name, ', erp: b')}}}\n")

    @given(raw_values, raw_values)
    def reads(raw: Any, other: Any) -> None:
        for side, record in ((Side.LEFT, {"emails": raw}), (Side.RIGHT, {"b": raw, "c": other})):
            reading = read(mapping, side, record)
            assert reading.problems == () or reading.values["f"] is UNREAD

    reads()
