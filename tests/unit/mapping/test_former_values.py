"""Links keep values of a release that read some types differently. The bridge reads them again, never as an edit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.merge import Action, FieldBase, Times, load_base, load_values, merge
from bridge.mapping.translate import read, same

TEXT = """\
mapping: people
sides: {crm: one person, erp: two contact}
match: [plain]
conflict: crm
fields:
  phone:  {crm: phone, erp: {number: number, prefix: prefix}, type: phone, region: NO}
  home:   {crm: home, erp: home, type: phone, region: NO}
  mail:   {crm: mail, erp: mail, type: email}
  plain:  {crm: plain, erp: plain, type: email}
  double: {crm: double, erp: double, type: email}
  sum:    {crm: {amount: sum, currency: cur}, erp: {amount: sum, currency: cur}, type: money}
  rate:   {crm: rate, erp: rate, type: decimal, places: 2}
  count:  {crm: n, erp: n, type: integer}
  land:   {crm: land, erp: land, type: country, aliases: {Norge: NO}}
  open:   {crm: open, erp: open, type: boolean}
  day:    {crm: day, erp: day, type: date}
  at:     {crm: at, erp: at, type: instant, zone: Europe/Oslo}
  name:   {crm: name, erp: name}
  tags:   {crm: tags, erp: tags, type: set}
  grade:  {crm: grade, erp: grade, table: {A: A, B: Silver}}
  money:  {crm: money, erp: money, type: currency}
"""
# The base of a link and both fingerprints of the mapping, as the former release wrote them for LEFT and RIGHT.
FORMER: dict[str, list[Any]] = {
    "phone": [
        ["+12125550123", "+1 212 555 0123 ext. 89"],
        ["+12125550123", "+1 2125550123"],
        "s+1 212 555 0123 ext. 89",
        "[s2125550123,s+1]",
        "23292b5ddf021c23",
        "130d8a3f3e2e8cc7",
    ],
    "home": [
        [None, "22 12 34 56 (home)"],
        [None, "22 12 34 56 (home)"],
        "s22 12 34 56 (home)",
        "s22 12 34 56 (home)",
        "6bba1b180e719089",
        "5928aec5cca601ef",
    ],
    "mail": [
        "mailto:ana@x.example",
        "mailto:ana@x.example",
        "smailto:ana@x.example",
        "smailto:ana@x.example",
        "03676b9d46849b94",
        "a53be5dcba6fd238",
    ],
    "plain": [
        "ana@x.example",
        "ana@x.example",
        "sana@x.example",
        "sana@x.example",
        "2c44cd424e995228",
        "401440b7525a50be",
    ],
    "double": [
        "ana@@x.example",
        "ana@@x.example",
        "sana@@x.example",
        "sana@@x.example",
        "900533e4b5efc86b",
        "a78c301f7efd2203",
    ],
    "sum": [
        ["1250.5", "EUR"],
        ["1250.5", "EUR"],
        "[d1250.5,sEUR]",
        "[d1250.5,sEUR]",
        "61c2eb68e997ab1a",
        "5676f10ad60d1fed",
    ],
    "rate": ["0.25", "0.25", "d0.25", "d0.25", "61f0c9c9db883c52", "5e2fe3539ee5548e"],
    "count": [7, 7, "d7", "d7", "7e90515a2f98490f", "8f8233b493cd48a4"],
    "land": ["NO", "NO", "sNO", "sNO", "a6f68d5b1641daf7", "9565a36d7f10e988"],
    "open": [True, True, "t", "t", "532b49bbc2dee457", "2faeb961f914e68c"],
    "day": ["2026-03-31", "2026-03-31", "@2026-03-31", "@2026-03-31", "11b974474df884af", "22285bd3b43604f7"],
    "at": [
        "2026-03-31T12:00:00+00:00",
        "2026-03-31T12:00:00+00:00",
        "@2026-03-31T12:00:00+00:00",
        "@2026-03-31T12:00:00+00:00",
        "b12fc8c246119c38",
        "af343f22ef697122",
    ],
    "name": ["Ana Lund", "Ana Lund", "sAna Lund", "sAna Lund", "315da05766d41e65", "9541dc3fd5cc463d"],
    "tags": [["a", "b"], ["a", "b"], "[sb,sa]", "[sb,sa]", "fd5259fb5511fb62", "87c557552ef1f7c9"],
    "grade": ["A", "A", "sA", "sA", "df7aae19632b6287", "d907c9e52f331c72"],
    "money": ["EUR", "EUR", "seur", "seur", "fb388a7161e16fd7", "17747ab892346841"],
}
FORMER_FINGERPRINT, FORMER_MATCH_FINGERPRINT = "4406f1e7b2e38667", "8b7f24f309fcb1dd"
LEFT: dict[str, Any] = {
    "phone": "+1 212 555 0123 ext. 89", "home": "22 12 34 56 (home)", "mail": "mailto:ana@x.example",
    "plain": "ana@x.example", "double": "ana@@x.example", "sum": Decimal("1250.5"), "cur": "EUR",
    "rate": Decimal("0.25"), "n": 7, "land": "NO", "open": True, "day": date(2026, 3, 31),
    "at": datetime(2026, 3, 31, 12, tzinfo=UTC), "name": "Ana Lund", "tags": ["b", "a"], "grade": "A", "money": "eur",
}  # fmt: skip
RIGHT: dict[str, Any] = {**LEFT, "number": "2125550123", "prefix": "+1"}
REREAD = {"phone", "home", "mail", "plain", "double"}
(MAPPING,) = load_text(TEXT, "former.yaml")
NEVER = Times(None, None, 1.0)


def decisions(left: dict[str, Any], right: dict[str, Any], base: Any = None) -> dict[str, Any]:
    readings = (read(MAPPING, Side.LEFT, left), read(MAPPING, Side.RIGHT, right))
    found = merge(MAPPING, *readings, load_base(MAPPING, FORMER) if base is None else base, NEVER)
    return {decision.field: decision for decision in found}


def test_unedited_values_are_not_written_and_the_base_is_renewed_where_the_type_changed() -> None:
    found = decisions(LEFT, RIGHT)
    assert {
        name for name, one in found.items() if one.action in (Action.TO_LEFT, Action.TO_RIGHT, Action.HOLD)
    } == set()
    assert {name for name, one in found.items() if one.action is Action.IN_SYNC} == REREAD - {"double"}
    assert "is not an e-mail address" in found["double"].reason


def test_types_with_an_unchanged_meaning_keep_their_fingerprints() -> None:
    kept = {row.name for row in MAPPING.fields if row.fingerprint == FORMER[row.name][4]}
    assert kept == set(FORMER) - REREAD
    assert all(row.columns_fingerprint == FORMER[row.name][5] for row in MAPPING.fields)


def test_an_instance_of_the_former_release_takes_no_task_of_this_mapping_and_match_keys_are_listed_again() -> None:
    assert MAPPING.fingerprint != FORMER_FINGERPRINT
    assert MAPPING.match_fingerprint != FORMER_MATCH_FINGERPRINT


@pytest.mark.parametrize(
    ("column", "raw"),
    [("phone", "+1 212 555 0123 ext. 90"), ("home", "22 12 34 56 (work)"), ("mail", "mailto:bo@x.example"), ("n", 8)],
)
def test_an_edit_made_before_the_first_read_still_crosses(column: str, raw: Any) -> None:
    field = {"n": "count"}.get(column, column)
    found = decisions({**LEFT, column: raw}, RIGHT)
    assert found[field].action is Action.TO_RIGHT
    other = decisions(LEFT, {**RIGHT, **({"number": "2125550199"} if column == "phone" else {column: raw})})
    assert other[field].action is Action.TO_LEFT


def test_a_number_that_lost_its_extension_stays_until_a_person_edits_it() -> None:
    row = MAPPING.named["phone"]
    left, right = read(MAPPING, Side.LEFT, LEFT), read(MAPPING, Side.RIGHT, RIGHT)
    base = FieldBase(
        left.values["phone"], right.values["phone"], left.hashes["phone"], right.hashes["phone"],
        row.fingerprint, row.columns_fingerprint,
    )  # fmt: skip
    edited = decisions({**LEFT, "phone": "+1 212 555 0123 ext. 90"}, RIGHT, {"phone": base})["phone"]
    assert (edited.action, edited.value.extension) == (Action.TO_RIGHT, "90")


@pytest.mark.parametrize("name", sorted(set(FORMER) - {"double"}))
def test_an_unconfirmed_write_of_the_former_release_is_recognised(name: str) -> None:
    sent = load_values(MAPPING, {name: FORMER[name][0]})[name]
    shown = read(MAPPING, Side.LEFT, LEFT).values[name]
    assert same(MAPPING.named[name], sent, shown)
