"""Laws of merging two records that hold for every pair of values, bases and policies."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.merge import Action, Decision, FieldBase, Times, dump_base, load_base, merge
from bridge.mapping.model import Mapping
from bridge.mapping.translate import Reading, read

RECORD = """\
mapping: things
sides: {crm: one thing, erp: two thing}
match: none
conflict: %s
fields:
  name:  {crm: name, erp: title}
  note:  {crm: note, erp: remark, absent: keep}
  grade: {crm: grade, erp: class, table: {A: Gold, B: Silver}}
  size:  {crm: size, erp: length, type: decimal, places: 2}
  tags:  {crm: tags, erp: labels, type: set}
  owner: {crm: owner, erp: owner, from: crm}
"""
SWAPPED = """\
mapping: things
sides: {erp: two thing, crm: one thing}
match: none
conflict: %s
fields:
  name:  {crm: name, erp: title}
  note:  {crm: note, erp: remark, absent: keep}
  grade: {crm: grade, erp: class, table: {Gold: A, Silver: B}}
  size:  {crm: size, erp: length, type: decimal, places: 2}
  tags:  {crm: tags, erp: labels, type: set}
  owner: {crm: owner, erp: owner, from: crm}
"""
POLICIES = ["crm", "erp", "ask", "fill-empty", "newest, else crm", "newest, else erp"]
MAPPINGS = {policy: load_text(RECORD % policy, "m.yaml")[0] for policy in POLICIES}
MIRRORED = {policy: load_text(SWAPPED % policy, "m.yaml")[0] for policy in POLICIES}
EARLY, LATE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)

words = st.sampled_from([None, "", "a", "b", "c"])
sets = st.lists(st.sampled_from("xyz"), unique=True)
crm_records = st.fixed_dictionaries(
    {"name": words, "note": words, "grade": st.sampled_from([None, "A", "B"]), "size": st.sampled_from([None, 0, 1, 2])}
    | {"tags": sets, "owner": words}
)
erp_records = st.fixed_dictionaries(
    {"title": words, "remark": words, "class": st.sampled_from([None, "Gold", "Silver"])}
    | {"length": st.sampled_from([None, 0, 1, 2]), "labels": sets, "owner": words}
)
policies = st.sampled_from(POLICIES)
moments = st.sampled_from([None, EARLY, LATE])


def readings(mapping: Mapping, left: dict[str, Any], right: dict[str, Any]) -> tuple[Reading, Reading]:
    return read(mapping, Side.LEFT, left), read(mapping, Side.RIGHT, right)


def base_of(mapping: Mapping, left: Reading, right: Reading) -> dict[str, FieldBase]:
    """Return the base of two records that are considered in sync."""
    return {
        row.name: FieldBase(
            left.values[row.name],
            right.values[row.name],
            left.hashes[row.name],
            right.hashes[row.name],
            row.fingerprint,
            row.columns_fingerprint,
        )
        for row in mapping.fields
    }


def apply(
    mapping: Mapping, left: Reading, right: Reading, base: dict[str, FieldBase], done: tuple[Decision, ...]
) -> Any:
    """Return the readings and the base after the decisions were written to servers that store the values unchanged."""
    values = {Side.LEFT: dict(left.values), Side.RIGHT: dict(right.values)}
    settled = set()
    for decision in done:
        if decision.action in (Action.TO_LEFT, Action.TO_RIGHT):
            values[Side.LEFT if decision.action is Action.TO_LEFT else Side.RIGHT][decision.field] = decision.value
        if decision.action not in (Action.NONE, Action.HOLD):
            settled.add(decision.field)
    after = [replace(reading, values=values[side]) for side, reading in ((Side.LEFT, left), (Side.RIGHT, right))]
    fresh = base_of(mapping, *after)
    return (*after, {**base, **{name: fresh[name] for name in settled}})


def writes(decisions: tuple[Decision, ...]) -> list[Decision]:
    return [decision for decision in decisions if decision.action in (Action.TO_LEFT, Action.TO_RIGHT, Action.HOLD)]


def times(left: datetime | None = None, right: datetime | None = None) -> Times:
    return Times(left, right, 1.0)


@given(crm_records, erp_records, policies)
def test_without_a_difference_from_the_base_there_is_no_decision(
    crm: dict[str, Any], erp: dict[str, Any], policy: str
) -> None:
    """The sides may differ from each other, because servers round, trim and cut."""
    mapping = MAPPINGS[policy]
    left, right = readings(mapping, crm, erp)
    decisions = merge(mapping, left, right, base_of(mapping, left, right), times())
    assert {decision.action for decision in decisions} == {Action.NONE}


@given(crm_records, erp_records, crm_records, erp_records, policies, moments, moments, st.booleans())
def test_swapping_the_sides_swaps_the_result(
    crm: Any, erp: Any, old_crm: Any, old_erp: Any, policy: str, at_crm: Any, at_erp: Any, linked: bool
) -> None:
    mapping, mirror = MAPPINGS[policy], MIRRORED[policy]
    base = base_of(mapping, *readings(mapping, old_crm, old_erp)) if linked else {}
    mirrored_base = base_of(mirror, *readings(mirror, old_erp, old_crm)) if linked else {}
    straight = merge(mapping, *readings(mapping, crm, erp), base, times(at_crm, at_erp))
    swapped = merge(mirror, *readings(mirror, erp, crm), mirrored_base, times(at_erp, at_crm))
    turned = {Action.TO_LEFT: Action.TO_RIGHT, Action.TO_RIGHT: Action.TO_LEFT}
    expected = {(d.field, turned.get(d.action, d.action), d.conflict) for d in swapped}
    assert {(d.field, d.action, d.conflict) for d in straight} == expected


@given(crm_records, erp_records, policies)
def test_edits_of_different_fields_both_survive(crm: dict[str, Any], erp: dict[str, Any], policy: str) -> None:
    mapping = MAPPINGS[policy]
    left, right = readings(mapping, crm, erp)
    base = base_of(mapping, left, right)
    edited = readings(mapping, {**crm, "name": "left's"}, {**erp, "remark": "right's"})
    left, right, _ = apply(mapping, *edited, base, merge(mapping, *edited, base, times()))
    assert (left.values["name"], right.values["name"]) == ("left's", "left's")
    assert (left.values["note"], right.values["note"]) == ("right's", "right's")


@given(crm_records, erp_records, crm_records, erp_records, policies, moments, moments, st.booleans())
def test_after_the_decisions_were_carried_out_there_is_nothing_left_to_write(
    crm: Any, erp: Any, old_crm: Any, old_erp: Any, policy: str, at_crm: Any, at_erp: Any, linked: bool
) -> None:
    mapping = MAPPINGS[policy]
    base = base_of(mapping, *readings(mapping, old_crm, old_erp)) if linked else {}
    left, right = readings(mapping, crm, erp)
    decisions = merge(mapping, left, right, base, times(at_crm, at_erp))
    after = apply(mapping, left, right, base, decisions)
    again = writes(merge(mapping, *after, times(at_crm, at_erp)))
    assert [d.field for d in again] == [d.field for d in decisions if d.action is Action.HOLD]


@given(crm_records, erp_records, policies)
def test_without_a_base_no_empty_value_beats_a_filled_one(crm: Any, erp: Any, policy: str) -> None:
    mapping = MAPPINGS[policy]
    left, right = readings(mapping, crm, erp)
    decisions = merge(mapping, left, right, {}, times())
    assert all(
        decision.value is not None for decision in decisions if decision.action in (Action.TO_LEFT, Action.TO_RIGHT)
    )


@given(crm_records, erp_records)
def test_a_base_survives_being_stored(crm: Any, erp: Any) -> None:
    mapping = MAPPINGS["crm"]
    base = base_of(mapping, *readings(mapping, crm, erp))
    assert load_base(mapping, dump_base(mapping, base)) == base


@given(st.text(min_size=1, max_size=20), st.sampled_from([str.strip, str.upper, lambda text: text[:5]]))
def test_a_server_that_changes_sent_values_does_not_flap(text: str, server: Any) -> None:
    """Each side's base is the value that this side shows."""
    mapping = MAPPINGS["crm"]
    left, right = readings(mapping, {"name": text}, {"title": server(text)})
    names = {"name": base_of_one(mapping, left, right)}
    assert [d.action for d in merge(mapping, left, right, names, times()) if d.field == "name"] == [Action.NONE]


def base_of_one(mapping: Mapping, left: Reading, right: Reading) -> FieldBase:
    row = mapping.named["name"]
    values = left.values["name"], right.values["name"]
    return FieldBase(*values, left.hashes["name"], right.hashes["name"], row.fingerprint, row.columns_fingerprint)
