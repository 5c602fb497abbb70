"""Mappings their systems cannot do: each gets a message that names the place, what is wrong and what to write."""

import pytest

from bridge.domain.catalog import Column, ColumnSpec
from bridge.mapping.check import check
from bridge.mapping.load import load_text

from .files import HEAD, MANIFESTS, NAME, TEXT, head

MISFITS = {
    "product": (
        head(sides="{crm: onee person, erp: two contact}") + NAME,
        "m.yaml:1:1: mapping people: there is no product called `onee`",
        "did you mean `one`?",
    ),
    "entity": (
        head(sides="{crm: one persons, erp: two contact}") + NAME,
        "m.yaml:1:1: mapping people: one has no entity `persons`",
        "did you mean `person`?",
    ),
    "field": (
        HEAD + "  name: {crm: titel, erp: name}\n",
        "m.yaml:6:9: row name: unknown field `titel` of one person",
        "did you mean `title`?",
    ),
    "list": (
        HEAD + "  email: {crm: emails, erp: email}\n",
        "m.yaml:6:10: row email: `emails` of one person is a list",
        "emails.primary",
    ),
    "object": (
        HEAD + "  city: {crm: address, erp: city}\n",
        "m.yaml:6:9: row city: `address` of one person has parts",
        "address.city",
    ),
    "part": (
        HEAD + "  city: {crm: address.citty, erp: city}\n",
        "m.yaml:6:9: row city: `address` of one person has no part `citty`",
        "did you mean `city`?",
    ),
    "no parts": (
        HEAD + "  city: {crm: name.city, erp: city}\n",
        "m.yaml:6:9: row city: `name` of one person has no parts",
        "write name",
    ),
    "read-only": (
        HEAD + "  name: {crm: name, erp: stage}\n",
        "m.yaml:6:9: row name writes `stage` of two contact, which is read-only",
        "from: erp",
    ),
    "date and instant": (
        HEAD + "  day: {crm: day, erp: closing, type: date}\n",
        "m.yaml:6:8: row day is of type date; `closing` of two contact holds instant",
        "erp: {instant: closing}",
    ),
    "reference": (
        HEAD + "  boss: {crm: company_id, erp: name}\n",
        "m.yaml:6:9: row boss is of type text; `company_id` of one person holds reference",
        "link: MAPPING",
    ),
    "choice": (
        HEAD + "  kind: {crm: status, erp: kind, from: crm, table: {open: person, wonn: company}}\n",
        "m.yaml:6:9: row kind: `status` of one person does not offer `wonn`",
        "did you mean `won`?",
    ),
    "link": (
        HEAD + "  boss: {crm: company_id, erp: company_id, link: people}\n",
        "m.yaml:6:9: row boss: `company_id` of one person points to one company",
        "mapping people keeps one person",
    ),
    "filter written by a row": (
        head(where="{erp: {kind: person}}") + NAME + "  kind: {crm: title, erp: kind}\n",
        "m.yaml:8:9: row kind writes `kind`, which where of people wants to be `person`",
        "remove the row",
    ),
    "required": (
        head(sides="{crm: one person, erp: three item}") + NAME,
        "m.yaml:1:1: mapping people makes three item records without `need`, which they need",
        "add a row",
    ),
    "delete": (
        head(deleted="{crm: delete}") + NAME,
        "m.yaml:1:1: mapping people: two contact records cannot be deleted",
        "deleted: {crm: unlink}",
    ),
    "create": (
        head(sides="{crm: one person, erp: two thing}", direction="both") + NAME,
        "m.yaml:1:1: mapping people: two thing records cannot be created",
        "creates: [crm]",
    ),
    "table not one to one": (
        HEAD + "  kind: {crm: title, erp: city, table: {a: x, b: x}}\n",
        "m.yaml:6:9: row kind of people loses values: `b` of crm comes back as `a`",
        "lossy: true",
    ),
    "currency lost": (
        HEAD + "  sum: {crm: amount, erp: {amount: amount, currency: name}, type: money}\n",
        "m.yaml:6:8: row sum of people loses values: 1250.50 EUR comes back from crm as 1250.50",
        "lossy: true",
    ),
    "line hidden by another": (
        HEAD + "  s:\n    columns: [crm.title, erp.city]\n    rows: [[any, a], [x, b]]\n",
        "m.yaml:7:5: row s of people loses values: the line `x | b` comes back from crm as `any | a`",
        "lossy: true",
    ),
    "overlap": (
        HEAD + NAME + "---\n" + HEAD.replace("people", "persons") + NAME,
        "m.yaml:8:1: mappings people and persons both write `name` of one person",
        "where that keeps them apart",
    ),
    "ring": (
        HEAD
        + NAME
        + "---\nmapping: b\nsides: {erp: two contact, hr: three item}\nmatch: none\nconflict: erp\nfields:\n"
        + "  city: {erp: city, hr: name}\n  need: {hr: need, value: x}\n"
        + "---\nmapping: c\nsides: {hr: three item, crm: one person}\nmatch: none\nconflict: hr\nfields:\n"
        + "  need: {hr: need, crm: title}\n",
        "m.yaml:1:1: changes would run in a ring: crm person -> erp contact -> hr item -> crm person",
        "one-way",
    ),
    "circle of required links": (
        HEAD.replace("one person", "one company")
        + NAME
        + "  boss: {crm: boss, erp: company_id, link: bosses, missing: reject}\n"
        + "---\n"
        + HEAD.replace("people", "bosses").replace("two contact", "two contact")
        + "  title: {crm: title, erp: city}\n"
        + "  firm: {crm: company_id, erp: company_id, link: people, required: true}\n",
        "m.yaml:9:1: no record could be made first: required links run in a circle (bosses -> people -> bosses)",
        "missing: blank",
    ),
    "drift": (
        head(drift="restore") + NAME,
        "m.yaml:5:8: `drift: restore` of mapping people cannot be done yet",
        "drift: keep",
    ),
    "merged": (
        head(merged="archive") + NAME,
        "m.yaml:5:9: `merged: archive` of mapping people cannot be done yet",
        "merged: report",
    ),
    "on-leave": (
        head(on_leave="delete") + NAME,
        "m.yaml:5:11: `on-leave: delete` of mapping people cannot be done yet",
        "on-leave: freeze",
    ),
    "constants always": (
        HEAD + NAME + "  kind: {erp: kind, value: person, set: always}\n",
        "m.yaml:7:9: `set: always` of row kind cannot be done yet",
        "set: on-create",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_mapping_its_systems_cannot_do_says_where_what_and_what_to_write(case: str) -> None:
    text, what, remedy = MISFITS[case]
    faults = check(load_text(text, "m.yaml"), MANIFESTS)
    assert any(str(fault).startswith(what) and remedy in fault.remedy for fault in faults), "\n".join(map(str, faults))


def test_a_sound_mapping_has_no_faults() -> None:
    assert check(load_text(HEAD + NAME, "m.yaml"), MANIFESTS) == []


def test_own_columns_are_believed_until_the_account_was_asked() -> None:
    mappings = load_text(HEAD + "  name: {crm: custom.Segment, erp: name}\n", "m.yaml")
    assert check(mappings, MANIFESTS) == []
    (fault,) = check(mappings, MANIFESTS, {("one", "person"): {"custom.Segments": TEXT}})
    assert "did you mean `custom.Segments`?" in fault.remedy


def test_what_the_account_really_offers_narrows_a_column() -> None:
    mappings = load_text(HEAD + "  kind: {crm: title, erp: city, table: {A: Oslo, B: Bergen}}\n", "m.yaml")
    assert check(mappings, MANIFESTS) == []
    offered = ColumnSpec(Column.CHOICE, choices=("Oslo", "Berlin"))
    (fault,) = check(mappings, MANIFESTS, {("two", "contact"): {"city": offered}})
    assert "`city` of two contact does not offer `Bergen`" in fault.what
