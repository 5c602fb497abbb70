"""Records are translated to canonical values and back."""

from decimal import Decimal
from typing import Any

import pytest

from bridge.domain.errors import MappingFailed
from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.translate import (
    for_create,
    lookups,
    match_keys,
    passes_where,
    read,
    row_hash,
    write,
)
from bridge.mapping.values import UNREAD, LinkId, Reference

from .files import mapping_of

LEFT, RIGHT = Side

PEOPLE = """\
mapping: people
sides: {crm: one person, erp: two contact}
where: {erp: {type: person, active: true}}
conflict: crm
creates: [erp]
match: [mail, name + firm]
fields:
  name: {crm: name, erp: title, required: true}
  mail: {crm: emails.primary, erp: email, type: email}
  firm: {crm: org_id, erp: firm_id, link: firms}
  note: {crm: note, erp: remark, default: from the CRM}
  kind: {erp: visibility, value: team}
  rank: {crm: custom.Rank, erp: custom.Level, type: integer}
---
mapping: firms
sides: {crm: one firm, erp: two contact}
where: {erp: {type: firm}}
conflict: crm
match: [name]
fields:
  name: {crm: name, erp: title}
"""
people, firms = load_text(PEOPLE, "m.yaml")


def ana(**changes: Any) -> dict[str, Any]:
    mail = [{"value": "ana@x.example", "label": "work", "primary": True}]
    return {"name": "Ana", "emails": mail, "org_id": "7", "note": "", "custom": {"Rank": Decimal(3)}, **changes}


def test_reading_distinguishes_values_empty_values_and_unread_ones() -> None:
    record = ana()
    del record["custom"]
    reading = read(people, LEFT, record)
    assert reading.values == {
        "name": "Ana",
        "mail": "ana@x.example",
        "firm": Reference("firms", LEFT, "7"),
        "note": None,
        "rank": UNREAD,
    }
    assert set(reading.hashes) == {"name", "mail", "firm", "note"}
    assert reading.problems == ()


def test_a_value_that_cannot_be_translated_is_a_problem_of_its_field_alone() -> None:
    reading = read(people, LEFT, ana(custom={"Rank": "high"}))
    assert reading.values["name"] == "Ana"
    assert reading.values["rank"] is UNREAD
    assert "rank" in reading.hashes
    assert [str(problem) for problem in reading.problems] == ["rank: crm custom.Rank: `high` is not a number"]


def test_a_hash_follows_the_columns_of_its_own_field() -> None:
    before = read(people, LEFT, ana()).hashes
    after = read(people, LEFT, ana(name="Bo", custom={"Rank": Decimal("3.00"), "Other": 1})).hashes
    assert before["name"] != after["name"]
    assert {name for name in before if before[name] != after[name]} == {"name"}
    assert read(people, LEFT, ana(note=None)).hashes["note"] != before["note"]


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({"type": "person", "active": True}, True),
        ({"type": "person", "active": "true"}, True),
        ({"type": "firm", "active": True}, False),
        ({"type": "firm"}, False),
        ({"type": None, "active": True}, False),
        ({"type": "person"}, None),
    ],
)
def test_the_filter_passes_fails_or_is_undecided(fields: dict[str, Any], passes: bool | None) -> None:
    assert passes_where(people, RIGHT, fields) is passes
    assert passes_where(people, LEFT, {}) is True


def test_a_new_record_gets_values_defaults_constants_and_the_columns_its_filter_requires() -> None:
    values = {"name": "Ana", "mail": None, "firm": Reference("firms", RIGHT, "c-7"), "note": None, "rank": 3}
    assert for_create(people, RIGHT, values) == {
        "type": "person",
        "active": True,
        "title": "Ana",
        "firm_id": "c-7",
        "remark": "from the CRM",
        "visibility": "team",
        "custom": {"Level": 3},
    }


@pytest.mark.parametrize("values", [{}, {"name": None}, {"name": UNREAD}])
def test_a_new_record_without_a_required_value_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(MappingFailed, match="name: no record can be created in erp: it is required and empty"):
        for_create(people, RIGHT, values)


def test_only_the_named_fields_are_written() -> None:
    fresh = ana(custom={"Rank": 1, "Other": 2})
    assert write(people, LEFT, {"mail": "new@x.example", "rank": 5}, fresh) == {
        "emails": [{"value": "new@x.example", "label": "work", "primary": True}],
        "custom": {"Rank": 5},
    }
    assert write(people, LEFT, {"note": None}, fresh) == {"note": None}
    assert write(people, LEFT, {"note": UNREAD}, fresh) == {}


def test_a_write_names_every_field_that_cannot_be_written() -> None:
    with pytest.raises(MappingFailed) as caught:
        write(people, RIGHT, {"name": None, "firm": LinkId(3), "note": "x"}, {})
    assert [problem.field for problem in caught.value.problems] == ["name", "firm"]


def test_match_keys_ignore_case_and_blanks_and_need_every_field() -> None:
    one = match_keys(people, {"name": " ana LUND", "mail": "ANA@x.example", "firm": LinkId(3)})
    two = match_keys(people, {"name": "Ana  Lund", "mail": "ana@X.example", "firm": LinkId(3)})
    assert [key.fields for key in one] == [("mail",), ("name", "firm")]
    assert one == two
    assert match_keys(people, {"name": "Ana", "mail": None, "firm": Reference("firms", LEFT, "7")}) == ()
    assert match_keys(people, {"name": "Ana", "firm": LinkId(4)}) != one[1:]


def test_a_match_key_never_changes() -> None:
    """Match keys are stored: another hash after an update of the bridge would make every record unknown."""
    (key,) = match_keys(firms, {"name": "Lund AS"})
    assert key.hash == "ed25acc2f79834c5b735fc4851bc9a77"


def test_lookups_name_the_columns_a_vendor_can_search() -> None:
    values = {"name": "Ana", "mail": "ana@x.example", "firm": LinkId(3)}
    by_mail, by_name = match_keys(people, values)
    assert lookups(people, LEFT, by_mail, values) == (("emails", "ana@x.example"),)
    assert lookups(people, RIGHT, by_name, values) == (("title", "Ana"),)


def test_the_row_hash_covers_mapped_columns_and_the_filter() -> None:
    base = {"type": "person", "title": "Ana", "other": 1}
    assert row_hash(people, RIGHT, base) == row_hash(people, RIGHT, {**base, "other": 2})
    assert row_hash(people, RIGHT, base) != row_hash(people, RIGHT, {**base, "title": "Bo"})
    assert row_hash(people, RIGHT, base) != row_hash(people, RIGHT, {**base, "type": "firm"})
    assert row_hash(people, RIGHT, base) != row_hash(people, RIGHT, {**base, "email": None})


TABLE = "  f: {crm: a, erp: b, table: {1: one, 2: two, true: yes}%s}\n"


@pytest.mark.parametrize(
    ("words", "raw", "crosses"),
    [
        ("", "1", "one"),
        ("", 2, "two"),
        ("", True, "yes"),
        (", unlisted: keep", "9", "9"),
        (", from: crm, otherwise: none", "9", "none"),
    ],
)
def test_a_value_table_translates_in_both_directions(words: str, raw: Any, crosses: str) -> None:
    mapping = mapping_of(TABLE % words)
    assert write(mapping, RIGHT, read(mapping, LEFT, {"a": raw}).values, {}) == {"b": crosses}


def test_a_value_table_writes_true_as_true() -> None:
    mapping = mapping_of(TABLE % "")
    assert write(mapping, LEFT, read(mapping, RIGHT, {"b": "yes"}).values, {}) == {"a": True}
    assert write(mapping, LEFT, read(mapping, RIGHT, {"b": "two"}).values, {}) == {"a": "2"}


def test_a_word_outside_the_table_is_refused_skipped_or_drift() -> None:
    assert "(listed: 1, 2, true); add it" in str(read(mapping_of(TABLE % ""), LEFT, {"a": "9"}).problems[0])
    skipped = read(mapping_of(TABLE % ", unlisted: skip"), LEFT, {"a": "9"})
    assert (skipped.values, skipped.problems) == ({"f": UNREAD}, ())
    target = read(mapping_of(TABLE % ", from: crm"), RIGHT, {"b": "three"})
    assert (target.values, target.problems) == ({"f": "three"}, ())


def test_a_table_of_a_set_is_applied_word_by_word() -> None:
    mapping = mapping_of("  f: {crm: a, erp: b, type: set, table: {A: x, B: y}}\n")
    assert write(mapping, RIGHT, read(mapping, LEFT, {"a": ["B", "A"]}).values, {}) == {"b": ["x", "y"]}
    assert write(mapping, LEFT, read(mapping, RIGHT, {"b": ["y"]}).values, {}) == {"a": ["B"]}


STAGE = """\
  stage:
    columns: [crm.pipe, crm.stage, crm.state, erp.stage]
    rows: [[P, Offer, open, Proposal], [any, any, won, Won], [P, null, open, New]]
"""


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"pipe": "P", "stage": "Offer", "state": "open"}, {"stage": "Proposal"}),
        ({"state": "won"}, {"stage": "Won"}),
        ({"pipe": "P", "stage": None, "state": "open"}, {"stage": "New"}),
    ],
)
def test_a_line_of_a_column_table_crosses_and_any_is_not_written(left: dict[str, Any], right: dict[str, Any]) -> None:
    mapping = mapping_of(STAGE)
    whole = {"pipe": "Other", "stage": "Offer", **left}
    assert write(mapping, RIGHT, read(mapping, LEFT, whole).values, {}) == right
    assert write(mapping, LEFT, read(mapping, RIGHT, right).values, {}) == left


def test_columns_that_fit_no_line_are_a_problem_and_unread_ones_are_unread() -> None:
    mapping = mapping_of(STAGE)
    (problem,) = read(mapping, LEFT, {"pipe": "Q", "stage": "Offer", "state": "open"}).problems
    assert "no line of the field rule's table fits `Q | Offer | open`" in problem.message
    assert read(mapping, LEFT, {"pipe": "P", "state": "won"}).values == {"stage": UNREAD}
