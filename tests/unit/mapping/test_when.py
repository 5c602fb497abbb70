"""`when`: a field rule that applies to some records only is not read, compared or written for the others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.examples import run_tests
from bridge.mapping.explain import explain
from bridge.mapping.load import load_text
from bridge.mapping.merge import Action, Base, FieldBase, Times, merge
from bridge.mapping.translate import Reading, for_create, off_in_new, read, row_hash, without, write

TEXT = """\
mapping: deals
sides: {crm: one deal, erp: two order}
match: none
conflict: crm
fields:
  title: {crm: title, erp: title}
  paid:  {crm: paid, erp: paid, when: {crm: {status: won}, erp: {closed: {not: true}}}}
  note:  {crm: note, value: VIP, when: {erp: {size: {greater: 10}}}}
tests:
  - name: won
    crm: {title: A, status: won, paid: yes}
    erp: {title: A, paid: yes, closed: false}
    only: crm -> erp
  - name: open
    crm: {title: A, status: open, paid: yes}
    erp: {title: A}
    only: crm -> erp
"""
DEALS = load_text(TEXT, "m.yaml")[0]
ALWAYS = load_text(TEXT.replace(", when: {crm: {status: won}, erp: {closed: {not: true}}}", ""), "m.yaml")[0]
UNKNOWN = Times(None, None, 1.0)


def test_a_rule_whose_condition_does_not_hold_is_not_read_and_no_problem() -> None:
    reading = read(DEALS, Side.LEFT, {"title": "A", "status": "open", "paid": {"strange": 1}})
    assert reading.off == {"paid"}
    assert "paid" not in reading.hashes
    assert not reading.problems
    assert not read(DEALS, Side.LEFT, {"title": "A", "status": "won", "paid": "yes"}).off
    assert read(DEALS, Side.LEFT, {"title": "A", "paid": "yes"}).off == {"paid"}, (
        "an undecidable condition does not hold"
    )


def test_a_new_record_gets_the_fields_whose_condition_holds() -> None:
    values = {"title": "A", "paid": "yes"}
    assert off_in_new(DEALS, Side.RIGHT, values, frozenset()) >= {"paid"}, (
        "a record that does not exist has no known `closed`"
    )
    closing = load_text(TEXT.replace("match:", "where: {erp: {closed: false}}\nmatch:"), "m.yaml")[0]
    assert "paid" not in off_in_new(closing, Side.RIGHT, values, frozenset())
    assert for_create(DEALS, Side.RIGHT, values, frozenset({"paid"})) == {"title": "A"}
    assert for_create(DEALS, Side.LEFT, {"title": "A"}, frozenset({"note"})) == {"title": "A"}


def test_a_column_without_a_value_is_empty_in_a_new_record() -> None:
    text = TEXT.replace("erp: {closed: {not: true}}", "erp: {any-of: [{closed: false}, {number: {empty: true}}]}")
    mapping = load_text(text, "m.yaml")[0]
    assert "paid" not in off_in_new(mapping, Side.RIGHT, {"title": "A", "paid": "yes"}, frozenset())
    assert "paid" in read(mapping, Side.RIGHT, {"title": "A", "closed": True, "number": "7"}).off


def test_the_columns_of_a_condition_are_part_of_what_a_sweep_compares() -> None:
    open_, won = ({"title": "A", "status": status, "paid": "x"} for status in ("open", "won"))
    assert row_hash(DEALS, Side.LEFT, open_) != row_hash(DEALS, Side.LEFT, won)


def test_explain_says_the_condition_and_when_it_does_not_hold() -> None:
    _, rows = explain(DEALS, Side.LEFT, {"title": "A", "status": "open", "paid": "yes"})
    paid = next(row for row in rows if row.field == "paid")
    assert paid.why == "its when does not hold: it needs crm status won"
    assert "when crm status won, when erp closed not true" in paid.rule


def test_examples_show_both_ways_of_a_condition() -> None:
    assert [str(one) for one in run_tests([DEALS])] == ["deals: won (crm -> erp)", "deals: open (crm -> erp)"]
    wrong = load_text(TEXT.replace("{title: A, paid: yes, closed: false}", "{title: A, closed: false}"), "m.yaml")
    assert "paid: expected nothing, found yes" in str(run_tests(wrong)[0])


@pytest.mark.parametrize(
    ("row", "what", "remedy"),
    [
        ("{crm: a, erp: b, when: {hr: {x: y}}}", "unknown `hr` in `when` of field rule f", "known: crm, erp"),
        ("{crm: a, erp: b, when: won}", "`when` of field rule f must be a table", "write when:"),
        ("{crm: a, erp: b, when: {}}", "says nothing", "write when: {crm: {column: word}}"),
        ("{crm: a, erp: b, when: {crm: {x: {above: 3}}}}", "unknown `above`", ""),
    ],
)
def test_problems_with_a_when_are_reported(row: str, what: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(TEXT.partition("  title:")[0] + f"  f: {row}\n", "m.yaml")
    assert what in caught.value.problems[0].what
    assert remedy in caught.value.problems[0].remedy


def test_a_record_is_not_matched_by_a_conditional_rule() -> None:
    with pytest.raises(ConfigError, match="names `paid`, which holds only under a condition"):
        load_text(TEXT.replace("match: none", "match: [paid]"), "m.yaml")


# The two-way merge, step by step, over any sequence of edits on both sides.

VALUES = st.sampled_from(["", "a", "b", "c"])
EDITS = st.one_of(
    st.tuples(st.just("crm"), st.just("paid"), VALUES),
    st.tuples(st.just("erp"), st.just("paid"), VALUES),
    st.tuples(st.just("crm"), st.just("status"), st.sampled_from(["won", "open"])),
    st.tuples(st.just("erp"), st.just("closed"), st.booleans()),
    st.just(("sync", "", "")),
)


class Pair:
    """Two records, the base of `paid`, and the writes to each side."""

    def __init__(self, mapping: Any) -> None:
        self.mapping = mapping
        self.records: dict[str, dict[str, Any]] = {
            "crm": {"title": "t", "paid": "a", "status": "won", "note": ""},
            "erp": {"title": "t", "paid": "a", "closed": False, "size": 0},
        }
        self.base: Base = {}
        self.written: list[tuple[str, Any]] = []

    @property
    def holds(self) -> bool:
        return self.records["crm"]["status"] == "won" and self.records["erp"]["closed"] is not True

    def readings(self) -> tuple[Reading, Reading]:
        left, right = (
            read(self.mapping, Side.LEFT, self.records["crm"]),
            read(self.mapping, Side.RIGHT, self.records["erp"]),
        )
        off = left.off | right.off
        return without(left, off), without(right, off)

    def sync(self) -> None:
        left, right = self.readings()
        for one in merge(self.mapping, left, right, self.base, UNKNOWN):
            if one.field != "paid":
                continue
            if one.action in (Action.TO_LEFT, Action.TO_RIGHT):
                side, name = (Side.LEFT, "crm") if one.action is Action.TO_LEFT else (Side.RIGHT, "erp")
                self.records[name] |= write(self.mapping, side, {"paid": one.value}, self.records[name])
                self.written.append((name, one.value))
            if one.action is not Action.NONE:
                self._remember()

    def _remember(self) -> None:
        (left, right), row = self.readings(), self.mapping.named["paid"]
        hashes = left.hashes["paid"], right.hashes["paid"]
        values = left.values["paid"], right.values["paid"]
        self.base = {"paid": FieldBase(*values, *hashes, row.fingerprint, row.columns_fingerprint)}


@given(st.lists(EDITS, max_size=12))
def test_a_changed_condition_does_not_turn_unedited_values_into_edits(edits: list[tuple[str, str, Any]]) -> None:
    pair = Pair(DEALS)
    pair.sync()
    agreed: str | None = "a"
    for where, column, value in [*edits, ("sync", "", "")]:
        if where != "sync":
            pair.records[where][column] = value
            continue
        before = {name: record["paid"] or None for name, record in pair.records.items()}
        base, count = pair.base, len(pair.written)
        pair.sync()
        now = {name: record["paid"] or None for name, record in pair.records.items()}
        if not pair.holds:
            assert now == before, "no side is written"
            assert pair.base == base, "the base is kept"
            continue
        edited = [name for name in ("crm", "erp") if before[name] != agreed]
        winner = edited[0] if len(edited) == 1 else "crm"
        assert now == dict.fromkeys(now, before[winner]), (
            "an edit made meanwhile crosses; of two edits, the policy chooses"
        )
        if not edited:
            assert len(pair.written) == count
        agreed = now["crm"]


@given(st.lists(EDITS, max_size=12))
def test_a_rule_whose_condition_always_holds_acts_like_one_without(edits: list[tuple[str, str, Any]]) -> None:
    with_when, plain = Pair(DEALS), Pair(ALWAYS)
    for where, column, value in edits:
        for pair in (with_when, plain):
            if where == "sync":
                pair.sync()
            elif column == "paid":
                pair.records[where][column] = value
    assert with_when.records == plain.records
    assert with_when.written == plain.written
