"""For every type in every form and every shipped mapping: any record crosses, comes back equal, and is at rest."""

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.domain.record import Side
from bridge.mapping.conditions import leaves
from bridge.mapping.load import load_text
from bridge.mapping.merge import Action, FieldBase, Times, dump_base, load_base, merge
from bridge.mapping.model import Mapping
from bridge.mapping.translate import for_create, passes_where, read, same, write
from bridge.mapping.types.registry import TYPES
from bridge.mapping.values import Reference, is_empty, with_parts

from .files import PAIRS, shipped
from .generated import values_of

ALL_TYPES = """\
mapping: all types
sides: {crm: one thing, erp: two thing}
match: none
conflict: crm
fields:
  text:      {crm: text, erp: custom."Text. (ERP)"}
  item:      {crm: emails.home, erp: address.line}
  name:      {crm: name, erp: {first: first, last: last}}
  names:     {crm: names, erp: {first: given, middle: middle, last: family}}
  integer:   {crm: integer, erp: a.b.integer, type: integer}
  decimal:   {crm: decimal, erp: decimal, type: decimal, places: 3}
  money:     {crm: {amount: m, currency: c}, erp: {amount: x, currency: y}, type: money}
  euros:     {crm: euros, erp: {amount: euros}, type: money, currency: EUR}
  boolean:   {crm: boolean, erp: boolean, type: boolean}
  date:      {crm: date, erp: date, type: date}
  midnight:  {crm: day, erp: {instant: at}, type: date, zone: Pacific/Auckland}
  instant:   {crm: instant, erp: instant, type: instant, zone: Europe/Oslo}
  email:     {crm: emails.work, erp: "websites[mail]", type: email}
  phone:     {crm: phones.primary, erp: {number: n, prefix: p}, type: phone, region: NO}
  country:   {crm: {code: land}, erp: {name: country}, type: country}
  currency:  {crm: currency, erp: currency, type: currency}
  choice:    {crm: choice, erp: choice, type: choice}
  tabled:    {crm: tabled, erp: tabled, table: {A: Gold, B: Silver}}
  user:      {crm: user, erp: user, type: user}
  set:       {crm: set, erp: set, type: set}
  joined:    {crm: joined, erp: joined, type: set, separator: ";"}
  link:      {crm: parent, erp: custom.Parent, link: all types}
  items:
    crm: items
    erp: list
    key: sku
    lines:
      sku:    {crm: sku, erp: custom.No}
      amount: {crm: n, erp: {text: amount}, type: decimal}
      parent: {crm: parent, erp: parent, link: all types}
  lines:     {columns: [crm.s1, crm.s2, erp.s], rows: [[a, b, x], [any, c, y]]}
  function:  {crm: {column: f, via: [trim, {remove-prefix: C-}]}, erp: {columns: [g, h], via: {join: "/"}}}
"""


# Only the file names are collected here: reading the files takes a third of a second in each worker, and one needs it.
FILES = [(folder, file.stem) for folder in PAIRS for file in sorted(folder.glob("*.yaml"))]
NAMES = ["all types one-two", *(f"{name} {folder.name}" for folder, name in FILES)]


@cache
def by_name() -> dict[str, Mapping]:
    (synthetic,) = load_text(ALL_TYPES, "all.yaml")
    found = {f"{mapping.name} {folder.name}": mapping for folder in PAIRS for mapping in shipped(folder)}
    return {"all types one-two": synthetic, **found}


generated = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def records(mapping: Mapping) -> st.SearchStrategy[dict[str, Any]]:
    """Return canonical values of a record: required fields always, others mostly."""
    rows = [row for row in mapping.fields if row.set_on is None and row.left is not None and row.right is not None]
    rows = [row for row in rows if row.name != "deal"]  # its text begins with a word, and no generated text does
    needed = {row.name: values_of(row) for row in rows if row.required}
    others = {row.name: st.none() | values_of(row) for row in rows if not row.required}
    return st.fixed_dictionaries({**needed, **others})


def elsewhere(values: dict[str, Any], side: Side) -> dict[str, Any]:
    """Return references as the other side knows them; in this test they have the same id."""

    def there(value: Any) -> Any:
        return Reference(value.mapping, side, value.id) if isinstance(value, Reference) else value

    return {name: with_parts(value, there) for name, value in values.items()}


def whole(mapping: Mapping, side: Side, made: dict[str, Any]) -> dict[str, Any]:
    """Return the record as a server shows it: columns that were not written are empty."""
    paths = [path for row in mapping.fields if (columns := row.columns_of(side)) for path in columns.paths]
    paths += [leaf.path for _, condition in mapping.gates[side] for leaf in leaves(condition)]
    shown = dict.fromkeys((path.top for path in paths), None)
    custom = {path.steps[1]: None for path in paths if path.custom}
    return {**shown, **made, **({"custom": {**custom, **made.get("custom", {})}} if custom else {})}


def test_no_shipped_mapping_is_left_out() -> None:
    assert list(by_name()) == NAMES


def test_the_synthetic_mapping_has_every_type() -> None:
    types = {row.type for row in by_name()["all types one-two"].fields}
    assert types == {*TYPES, "link", "columns", "lines"}


@pytest.mark.parametrize("name", NAMES)
def test_a_record_created_from_any_values_reads_the_same_and_needs_no_more_writes(name: str) -> None:
    mapping = by_name()[name]

    @generated
    @given(records(mapping))
    def crosses(values: dict[str, Any]) -> None:
        readings = {}
        for side in Side:
            local = elsewhere(values, side)
            made = {**write(mapping, side, local, {}), **_filter_of(mapping, side, local)}
            readings[side] = read(mapping, side, whole(mapping, side, made))
            assert readings[side].problems == ()
            assert passes_where(mapping, side, made) is True
            for row in mapping.fields:
                if row.name in readings[side].off:
                    continue
                if row.name in values and (row.two_way or side.other in row.flows) and not row.lossy:
                    found, sent = readings[side].values[row.name], local[row.name]
                    assert same(row, found, sent), f"{row.name} on {side}: {sent!r} came back as {found!r}"
        links = {row.name for row in mapping.fields if row.refers}
        decisions = merge(mapping, readings[Side.LEFT], readings[Side.RIGHT], {}, Times(None, None, 1.0))
        writes = {d.field for d in decisions if d.action not in (Action.NONE, Action.IN_SYNC)}
        assert writes - links <= {row.name for row in mapping.fields if row.lossy or not row.two_way}

    crosses()


def _filter_of(mapping: Mapping, side: Side, values: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that `where` requires, as a create sends them."""
    wanted: dict[str, Any] = {}
    for path, value in mapping.side(side).fixed:
        path.put(wanted, {}, value)
    return wanted


@pytest.mark.parametrize("name", NAMES)
def test_a_new_record_holds_every_value_that_is_written_to_its_side(name: str) -> None:
    mapping = by_name()[name]

    @generated
    @given(records(mapping))
    def creates(values: dict[str, Any]) -> None:
        for side in mapping.creates:
            local = elsewhere(values, side)
            reading = read(mapping, side, whole(mapping, side, dict(for_create(mapping, side, local))))
            assert reading.problems == ()
            for row in mapping.fields:
                if row.two_way and row.name in values and not is_empty(local[row.name]) and not row.lossy:
                    assert same(row, reading.values[row.name], local[row.name]), row.name

    creates()


@pytest.mark.parametrize("name", NAMES)
def test_the_base_of_any_values_is_exact(name: str) -> None:
    mapping = by_name()[name]

    @generated
    @given(records(mapping))
    def stored(values: dict[str, Any]) -> None:
        base = {name: FieldBase(value, value, "h", "h", "f", "c") for name, value in values.items()}
        again = load_base(mapping, dump_base(mapping, base))
        assert {name: entry.left for name, entry in again.items()} == values

    stored()
