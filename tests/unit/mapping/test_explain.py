"""What `explain` shows about one record, and what a failing example shows."""

from decimal import Decimal

from bridge.domain.record import Side
from bridge.mapping.examples import run_tests
from bridge.mapping.explain import explain
from bridge.mapping.load import load_text

from .files import HEAD, mapping_of

ROWS = """\
  name:  {crm: name, erp: title}
  grade: {crm: grade, erp: class, table: {A: Gold}}
  day:   {crm: day, erp: closing, type: date}
  mail:  {crm: mail, erp: email, type: email, absent: keep}
  owner: {crm: owner, erp: owner, from: erp}
  boss:  {crm: boss, erp: chief, link: people}
  kind:  {erp: kind, value: person}
  sum:   {crm: {amount: a, currency: c}, erp: {amount: x, currency: y}, type: money}
"""


def test_every_field_rule_says_what_it_read_what_it_means_and_why_it_does_nothing() -> None:
    mapping = mapping_of(ROWS)
    record = {"name": "Ana", "grade": "B", "mail": None, "owner": "bo", "boss": "7", "a": Decimal("1.5"), "c": "EUR"}
    whole, rows = explain(mapping, Side.LEFT, record)
    text = {row.field: str(row) for row in rows}
    assert whole == "in mapping people; a new record may be created in erp"
    assert text["name"] == "name [text, crm <-> erp, people.yaml:6:10]: name = Ana; means Ana -> title = Ana"
    assert "`B` is not in the field rule's table (listed: A); add it" in text["grade"]
    assert "not read: the record does not show it" in text["day"]
    assert "absent: keep does not empty the other side" in text["mail"]
    assert "never written to erp" in text["owner"]
    assert "means record 7 of people (becomes that record's id in erp)" in text["boss"]
    assert "written only when a record is created in erp: person" in text["kind"]
    assert text["sum"].endswith("means 1.50 EUR -> x = 1.50, y = EUR")


def test_functions_and_defaults_are_explained() -> None:
    mapping = mapping_of("  code: {crm: {column: code, via: [trim, {cut: 5}]}, erp: key, default: none}\n")
    _, (filled,) = explain(mapping, Side.LEFT, {"code": " C-1  "})
    assert str(filled) == (
        "code [text, crm through trim, cut: 5, crm <-> erp, people.yaml:6:9]: code =  C-1  ; means C-1 -> key = C-1"
    )
    _, (empty,) = explain(mapping, Side.LEFT, {"code": None})
    assert empty.why == "empty: a new record in erp gets the default none"


def test_explain_says_that_a_record_is_outside_the_filter() -> None:
    head = HEAD.replace("match:", "where: {crm: {kind: person}}\nmatch:")
    mapping = mapping_of(ROWS, head)
    assert explain(mapping, Side.LEFT, {"kind": "firm"})[0] == "not in mapping people: its where needs kind person"
    assert "kind person was not read" in explain(mapping, Side.LEFT, {})[0]


EXAMPLE = """\
  name:  {crm: name, erp: title}
  size:  {crm: size, erp: length, type: decimal}
  boss:  {crm: boss, erp: chief, link: people}
tests:
  - name: one
    crm: {name: Ana, size: 1.5, boss: 7, extra: 1}
    erp: {title: Bo, chief: c-7}
    links: {people: [[7, c-7]]}
    only: crm -> erp
"""


def test_a_failing_example_shows_each_column_that_differs() -> None:
    (result,) = run_tests(load_text(HEAD + EXAMPLE, "m.yaml"))
    assert not result.passed
    assert str(result).splitlines() == [
        "m.yaml:10:5: people: one (crm -> erp)",
        "  title: expected Bo, found Ana (field rule name)",
        "  length: expected nothing, found 1.5 (not in the example)",
    ]


def test_an_example_runs_both_ways_and_names_links_it_was_not_given() -> None:
    text = HEAD + EXAMPLE.replace("    only: crm -> erp\n", "").replace("    links: {people: [[7, c-7]]}\n", "")
    there, back = run_tests(load_text(text, "m.yaml"))
    assert (there.direction, back.direction) == ("crm -> erp", "erp -> crm")
    assert "boss: expected a linked record, found nothing (`links` of the example does not name people 7)" in str(there)
    assert "extra: expected 1, found nothing (no field rule writes this column)" in str(back)


def test_an_example_outside_the_filter_or_without_a_translation_fails() -> None:
    head = HEAD.replace("match:", "where: {crm: {kind: person}}\nmatch:")
    rows = (
        "  size: {crm: size, erp: length, type: decimal}\ntests:\n  - {crm: {kind: firm, size: 1}, erp: {length: x}}\n"
    )
    there, back = run_tests(load_text(head + rows, "m.yaml"))
    assert "where: expected a record of this mapping, found one its filter leaves out" in str(there)
    assert "size: erp length: `x` is not a number" in str(back)
