"""Whether a row of a listing shows an edit since both sides were last in sync."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.record import Fields, Side
from bridge.mapping.load import load_text
from bridge.mapping.merge import FieldBase, dump_base
from bridge.mapping.model import Mapping
from bridge.mapping.translate import read
from bridge.mapping.values import LinkId, Reference
from bridge.reconcile.compare import differs
from bridge.store.model import Link, LinkState

TEXT = """
mapping: companies
sides: {crm: fake company, erp: fake company}
match: none
direction: crm -> erp
fields:
  name: {crm: name, erp: name}
---
mapping: people
sides: {crm: fake person, erp: fake person}
direction: both
match: none
conflict: crm
fields:
  name:    {crm: name, erp: name}
  amount:  {crm: amount, erp: amount, type: decimal, from: crm}
  company: {crm: company_id, erp: company_id, link: companies, missing: blank}
"""
PEOPLE = next(mapping for mapping in load_text(TEXT, "test.yaml") if mapping.name == "people")
ROW = {"name": "Ana", "amount": 3, "company_id": "7"}


def link_of(shown: Fields, *, hashes: bool = True, mapping: Mapping = PEOPLE, **columns: str) -> Link:
    """Return a pair that was last in sync when both sides showed `shown`."""
    reading, base = read(mapping, Side.LEFT, shown), {}
    for field in mapping.fields:
        value: Any = reading.values[field.name]
        value = LinkId(1) if isinstance(value, Reference) else value
        seen = reading.hashes[field.name] if hashes else None
        columns_print = columns.get(field.name, field.columns_fingerprint)
        base[field.name] = FieldBase(value, value, seen, seen, field.fingerprint, columns_print)
    return Link(1, mapping.name, "1", "2", LinkState.LIVE, "matched", 1, base=dump_base(mapping, base))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("hashes", [True, False])
def test_a_row_as_last_seen_does_not_differ(side: Side, hashes: bool) -> None:
    row = ROW if hashes else {name: ROW[name] for name in ("name", "amount")}
    assert not differs(PEOPLE, side, row, link_of(ROW, hashes=hashes))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("hashes", [True, False])
def test_an_edited_column_differs(side: Side, hashes: bool) -> None:
    assert differs(PEOPLE, side, {**ROW, "name": "Ana Berg"}, link_of(ROW, hashes=hashes))


def test_an_emptied_column_differs() -> None:
    assert differs(PEOPLE, Side.LEFT, {**ROW, "name": None}, link_of(ROW))


def test_a_column_the_row_does_not_contain_is_no_edit() -> None:
    assert not differs(PEOPLE, Side.LEFT, {"name": "Ana"}, link_of(ROW))


def test_an_edit_on_the_target_side_of_a_one_way_field_is_ignored() -> None:
    edited = {**ROW, "amount": 4}
    assert differs(PEOPLE, Side.LEFT, edited, link_of(ROW))
    assert not differs(PEOPLE, Side.RIGHT, edited, link_of(ROW))


def test_a_field_without_base_differs_once_it_has_a_value() -> None:
    link = replace(link_of(ROW), base={})
    assert differs(PEOPLE, Side.LEFT, ROW, link)
    assert not differs(PEOPLE, Side.LEFT, dict.fromkeys(ROW), link)


def test_an_edited_reference_differs() -> None:
    assert differs(PEOPLE, Side.LEFT, {**ROW, "company_id": "8"}, link_of(ROW))


def test_a_reference_that_was_never_read_back_is_read() -> None:
    assert differs(PEOPLE, Side.LEFT, ROW, link_of(ROW, hashes=False))


def test_a_field_whose_columns_were_redefined_is_read() -> None:
    assert differs(PEOPLE, Side.LEFT, ROW, link_of(ROW, name="the columns of an older definition"))


def test_a_value_that_does_not_translate_is_an_edit_only_if_its_column_changed() -> None:
    odd = {**ROW, "amount": "many"}
    assert differs(PEOPLE, Side.LEFT, odd, link_of(ROW))
    assert differs(PEOPLE, Side.LEFT, odd, link_of(ROW, hashes=False))


@given(st.dictionaries(st.sampled_from(sorted(ROW)), st.text(max_size=5) | st.none()))
def test_any_row_compared_with_itself_does_not_differ(changed: dict[str, Any]) -> None:
    row = {**ROW, **changed}
    reading = read(PEOPLE, Side.LEFT, row)
    if not reading.problems:
        assert not differs(PEOPLE, Side.LEFT, row, link_of(row))
