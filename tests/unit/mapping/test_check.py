"""What is checked against the catalogs, and what is accepted; wrong_files.md has the messages."""

from bridge.domain.catalog import Column, ColumnSpec
from bridge.mapping.check import check
from bridge.mapping.load import load_text

from .files import HEAD, MANIFESTS, NAME, TEXT, head

RING = """\
mapping: b
sides: {erp: two contact, hr: three item}
match: none
conflict: erp
fields:
  city: {erp: city, hr: name}
  need: {hr: need, value: x}
---
mapping: c
sides: {hr2: three item, crm: one person}
match: none
conflict: hr2
fields:
  need: {hr2: need, crm: title}
"""


def test_a_ring_is_found_by_accounts_and_not_by_names_of_sides() -> None:
    mappings = load_text(HEAD + NAME + "---\n" + RING, "m.yaml")
    bound = {"crm": "pipe", "erp": "desk", "hr": "people", "hr2": "people"}
    assert check(mappings, MANIFESTS, systems={**bound, "hr2": "others"}) == []
    (problem,) = check(mappings, MANIFESTS, systems=bound)
    assert str(problem) == (
        "m.yaml:1:1: changes would run in a circle: desk contact -> people item -> pipe person -> desk contact"
        " - make one of these mappings one-way, or remove it"
    )


FIRMS = HEAD.replace("people", "firms").replace("two contact", "three item")


def test_one_source_entity_may_have_several_mappings_that_do_not_write_the_same_column() -> None:
    rows = "  name: {crm: name, erp: name, from: crm}\n  need: {crm: title, erp: need, from: crm}\n"
    assert check(load_text(HEAD + NAME + "---\n" + FIRMS + rows, "m.yaml"), MANIFESTS) == []


def test_a_column_may_have_two_mappings_to_different_systems_but_not_two_masters() -> None:
    """In a chain of three systems, the middle column is written from both ends, and each end gets the other's value."""
    rows = "  name: {crm: name, erp: name}\n  need: {crm: title, erp: need, from: crm}\n"
    one_way = (NAME.replace("erp: name", "erp: name, from: erp"), rows.replace("erp: name", "erp: name, from: erp"))
    for mine, theirs in ((NAME, rows), (one_way[0], rows), (NAME, one_way[1])):
        assert check(load_text(HEAD + mine + "---\n" + FIRMS + theirs, "m.yaml"), MANIFESTS) == []
    (problem,) = check(load_text(HEAD + one_way[0] + "---\n" + FIRMS + one_way[1], "m.yaml"), MANIFESTS)
    assert "mappings people and firms both write `name` of one person" in problem.what


def test_filters_that_cannot_both_pass_keep_mappings_apart() -> None:
    texts = [
        head(mapping=name, where=f"{{crm: {{status: {status}}}, erp: {{kind: {kind}}}}}") + NAME
        for name, status, kind in (("a", "open", "person"), ("b", "won", "company"))
    ]
    assert check(load_text("---\n".join(texts), "m.yaml"), MANIFESTS) == []


def test_a_correct_mapping_has_no_problems() -> None:
    assert check(load_text(HEAD + NAME, "m.yaml"), MANIFESTS) == []


def test_custom_columns_are_accepted_until_the_account_was_read() -> None:
    mappings = load_text(HEAD + "  name: {crm: custom.Segment, erp: name}\n", "m.yaml")
    assert check(mappings, MANIFESTS) == []
    (problem,) = check(mappings, MANIFESTS, {("crm", "person"): {"custom.Segments": TEXT}})
    assert "did you mean `custom.Segments`?" in problem.remedy


def test_the_real_choices_of_the_account_narrow_a_column() -> None:
    mappings = load_text(HEAD + "  kind: {crm: title, erp: city, table: {A: Oslo, B: Bergen}}\n", "m.yaml")
    assert check(mappings, MANIFESTS) == []
    offered = ColumnSpec(Column.CHOICE, choices=("Oslo", "Berlin"))
    (problem,) = check(mappings, MANIFESTS, {("erp", "contact"): {"city": offered}})
    assert "`city` of two contact does not offer `Bergen`" in problem.what


def test_people_and_companies_that_share_an_entity_on_two_systems_run_in_no_ring() -> None:
    """`where` keeps them apart, so no value can go from one to the other."""
    filters = {"people": "person", "firms": "company"}
    apart = [head(mapping=name, where=f"{{erp: {{kind: {kind}}}}}") + NAME for name, kind in filters.items()]
    ring = RING.replace(
        "sides: {erp: two contact, hr: three item}",
        "sides: {erp: two contact, hr: three item}\nwhere: {erp: {kind: WORD}}",
    )
    bound = {"crm": "pipe", "erp": "desk", "hr": "people", "hr2": "people"}
    same = check(load_text(apart[0] + "---\n" + ring.replace("WORD", "person"), "m.yaml"), MANIFESTS, systems=bound)
    assert any("in a circle" in str(problem) for problem in same)
    other = check(load_text(apart[0] + "---\n" + ring.replace("WORD", "company"), "m.yaml"), MANIFESTS, systems=bound)
    assert not any("in a circle" in str(problem) for problem in other)
