"""The report of the round-trip check: how each rule was tried, what does not come back, and what to write."""

import pytest

from bridge.mapping.check import check
from bridge.mapping.functions import Function
from bridge.mapping.load import load_text
from bridge.mapping.round_trip import Verdict, round_trips

from .files import HEAD, MANIFESTS, PAIRS, mapping_of, shipped

ROWS = """\
  name:  {crm: name, erp: title}
  open:  {crm: open, erp: active, type: boolean}
  grade: {crm: grade, erp: class, table: {A: Gold, B: Silver, C: Silver}}
  size:  {crm: size, erp: length, table: {S: Small, M: Small}, lossy: true}
  owner: {crm: owner, erp: owner, from: crm}
  boss:  {crm: boss, erp: chief, link: people}
  kind:  {erp: kind, value: person}
  sum:   {crm: amount, erp: {amount: x, currency: y}, type: money}
"""


CURRENCY = "name crm's currency column, or give the field rule the one currency it has"


def test_the_report_says_how_every_field_rule_was_tried_and_what_does_not_come_back() -> None:
    report = {result.field: str(result) for result in round_trips(mapping_of(ROWS))}
    assert report == {
        "name": "name: holds (sampled, 12 values)",
        "open": "open: holds (exhaustively, 4 values)",
        "grade": "grade: loses values (exhaustively, 9 values)\n"
        "  `C` of crm comes back as `B` - give `C` a word of its own on the other side",
        "size": "size: loses values, accepted by lossy: true (exhaustively, 5 values)\n"
        "  `M` of crm comes back as `S` - give `M` a word of its own on the other side",
        "owner": "owner: one way, nothing has to return (not tried)",
        "boss": "boss: a link, resolved record by record (not tried)",
        "kind": "kind: a constant, nothing has to return (not tried)",
        "sum": "sum: loses values (sampled, 6 values)\n"
        f"  1250.50 EUR comes back from crm as 1250.50 - {CURRENCY}\n"
        f"  90000 JPY comes back from crm as 90000 - {CURRENCY}\n"
        f"  0.125 KWD comes back from crm as 0.125 - {CURRENCY}",
    }


@pytest.mark.parametrize(
    ("row", "verdict", "told"),
    [
        ("{crm: {column: a, via: upper}, erp: b}", Verdict.LOSES, "Ana Lund comes back from crm as ANA LUND"),
        ("{crm: {column: a, via: upper}, erp: {column: b, via: upper}}", Verdict.HOLDS, ""),
        ("{crm: {column: a, via: {remove-prefix: C-}}, erp: b}", Verdict.HOLDS, ""),
        ("{crm: {column: a, via: {add-prefix: C-}}, erp: b}", Verdict.LOSES, "Ana Lund cannot go to crm"),
        ("{crm: a, erp: {column: b, via: {cut: 5}}}", Verdict.LOSES, "Ana Lund comes back from erp as Ana L"),
        ("{crm: a, erp: {column: b, via: {cut: 40}}}", Verdict.HOLDS, ""),
        ("{crm: {columns: [l, f], via: {join: ', '}}, erp: b}", Verdict.HOLDS, ""),
        ("{crm: {column: a, via: {multiply: 100}}, erp: b, type: decimal}", Verdict.HOLDS, ""),
        ("{crm: {column: a, via: {replace: [' ', '-']}}, erp: b}", Verdict.LOSES, "Ana Lund comes back from crm as"),
        ("{crm: {column: a, via: not}, erp: b, type: boolean}", Verdict.HOLDS, ""),
        ("{crm: {column: a, via: trim}, erp: b, table: {A: x, B: y}}", Verdict.HOLDS, ""),
        ("{crm: {column: a, via: lower}, erp: b, table: {A: x}}", Verdict.LOSES, "x cannot go to crm: `a` is not in"),
    ],
)
def test_functions_are_tried_in_both_directions(row: str, verdict: Verdict, told: str) -> None:
    (result,) = round_trips(mapping_of(f"  f: {row}\n"))
    assert result.verdict is verdict, str(result)
    assert any(one.what.startswith(told) for one in result.broken) is bool(told), str(result)


def test_an_operators_function_that_raises_is_one_problem_naming_mapping_rule_and_value() -> None:
    def back(text: str) -> str:
        return {"bb": "ab"}[text]

    functions = {"flip": Function("flip", lambda text: text[::-1], back, (("ab", "ba"),))}
    text = HEAD + "  f: {crm: {column: name, via: flip}, erp: name}\n"
    (problem,) = check(load_text(text, "m.yaml", functions), MANIFESTS)
    assert str(problem) == (
        "m.yaml:6:6: field rule f of people loses values: function flip failed on `ba` with KeyError: 'ba'"
        " - correct the function, give the field rule a `from:`, or accept it with lossy: true"
    )


def test_an_operators_function_is_tried_with_its_examples_alone() -> None:
    known = {"S": "Small", "L": "Large"}
    back = {text: word for word, text in known.items()}
    sizes = Function("sizes", known.__getitem__, back.__getitem__, tuple(known.items()))
    (mapping,) = load_text(HEAD + "  f: {crm: {column: name, via: sizes}, erp: name}\n", "m.yaml", {"sizes": sizes})
    (result,) = round_trips(mapping)
    assert str(result) == "f: holds (sampled, 4 values)"


def test_the_report_of_every_shipped_mapping_has_no_rule_with_an_unaccepted_loss() -> None:
    mappings = [mapping for folder in PAIRS for mapping in shipped(folder)]
    results = [(mapping.name, result) for mapping in mappings for result in round_trips(mapping)]
    assert len(results) >= len(mappings)
    assert [f"{name} {result}" for name, result in results if result.verdict is Verdict.LOSES] == []
