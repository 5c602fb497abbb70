"""Check mappings against the real accounts: custom fields, options, lengths, read-only and required columns."""

import pytest

from bridge.domain.catalog import Column, ColumnSpec
from bridge.mapping.check import check, check_live
from bridge.mapping.load import load_text

from .files import HEAD, MANIFESTS, NAME, TEXT

PERSON, CONTACT = ("crm", "person"), ("erp", "contact")
LONG, SHORT = ColumnSpec(Column.TEXT, max_length=255), ColumnSpec(Column.TEXT, max_length=40)


def options(*words: str) -> ColumnSpec:
    return ColumnSpec(Column.CHOICE, choices=words)


@pytest.mark.parametrize(
    ("row", "person", "contact", "told"),
    [
        (
            "{crm: custom.Segmnt, erp: city}",
            {"custom.Segment": TEXT},
            {},
            "m.yaml:6:12: field rule f: unknown field `custom.Segmnt` of one person - did you mean `custom.Segment`?",
        ),
        (
            "{crm: custom.Grade, erp: city, table: {A: x}}",
            {"custom.Grade": options("A", "B", "C")},
            {},
            "m.yaml:6:12: field rule f of people: its table lacks `B`, `C`, which `custom.Grade` of one person"
            " offers - add a line for each, or write unlisted: skip",
        ),
        (
            "{crm: custom.Grade, erp: city, table: {A: x, Z: y}}",
            {"custom.Grade": options("A")},
            {},
            "m.yaml:6:6: field rule f: `custom.Grade` of one person does not offer `Z` - known: A",
        ),
        (
            "{columns: [crm.title, crm.status, erp.city], rows: [[x, open, y], [any, won, z]]}",
            {"title": options("x", "q"), "status": options("open", "won", "lost")},
            {},
            "m.yaml:6:28: field rule f of people: its table lacks `lost`, which `status` of one person offers"
            " - add a line for each, or write unlisted: skip",
        ),
        (
            "{crm: custom.Grade, erp: custom.Class, type: choice}",
            {"custom.Grade": options("A", "B")},
            {"custom.Class": options("A")},
            "m.yaml:6:6: field rule f: one person offers `B`, which two contact does not"
            " - add a table of corresponding words (1 differ)",
        ),
        (
            "{crm: custom.Note, erp: custom.Remark}",
            {"custom.Note": LONG},
            {"custom.Remark": SHORT},
            "m.yaml:6:30: field rule f: `custom.Remark` of two contact takes 40 characters, the other side 255"
            " - write erp: {column: custom.Remark, via: {cut: 40}} and lossy: true, or lossy: true if"
            " that never happens",
        ),
        (
            "{erp: custom.Code, value: much too long for it}",
            {},
            {"custom.Code": ColumnSpec(Column.TEXT, max_length=8)},
            "m.yaml:6:12: field rule f: `custom.Code` of two contact takes 8 characters, `much too long for it` has 20"
            " - shorten it",
        ),
        (
            "{crm: custom.Sum, erp: city}",
            {"custom.Sum": ColumnSpec(Column.TEXT, writable=False)},
            {},
            "m.yaml:6:12: field rule f writes `custom.Sum` of one person, which is read-only"
            " - only read it: add from: crm",
        ),
        (
            "{crm: title, erp: city}",
            {},
            {"custom.Branch": ColumnSpec(Column.TEXT, required=True)},
            "m.yaml:1:1: mapping people creates two contact records without `custom.Branch`, which is required"
            " - add a field rule, or a constant: NAME: {erp: custom.Branch, value: ..., set: on-create}",
        ),
    ],
)
def test_a_mapping_is_checked_against_the_accounts_real_columns(
    row: str, person: dict[str, ColumnSpec], contact: dict[str, ColumnSpec], told: str
) -> None:
    mappings = load_text(HEAD + f"  f: {row}\n", "m.yaml")
    assert check(mappings, MANIFESTS) == [], "without the accounts no problem can be found"
    assert [str(problem) for problem in check_live(mappings, MANIFESTS, {PERSON: person, CONTACT: contact})] == [told]


@pytest.mark.parametrize(
    "row",
    [
        "{crm: custom.Grade, erp: city, table: {A: x}, unlisted: skip}",
        "{crm: custom.Grade, erp: city, table: {A: x}, from: crm, otherwise: y}",
        "{crm: custom.Grade, erp: city, table: {A: x}, from: erp}",
        "{crm: custom.Note, erp: {column: custom.Remark, via: {cut: 40}}, lossy: true}",
        "{crm: custom.Note, erp: custom.Remark, from: erp}",
        "{crm: custom.Note, erp: custom.Remark, lossy: true}",
    ],
)
def test_differences_that_the_field_rule_handles_are_no_problem(row: str) -> None:
    live = {
        PERSON: {"custom.Grade": options("A", "B"), "custom.Note": LONG},
        CONTACT: {"custom.Remark": SHORT},
    }
    assert check_live(load_text(HEAD + f"  f: {row}\n", "m.yaml"), MANIFESTS, live) == []


def test_an_account_that_was_not_read_is_not_checked() -> None:
    mappings = load_text(HEAD + NAME + "  f: {crm: custom.A, erp: custom.B}\n", "m.yaml")
    assert check_live(mappings, MANIFESTS, {}) == []
