"""A mapping that only lines of records name counts as named, wherever that matters."""

from bridge.app.checks import references
from bridge.app.folder import left_out
from bridge.app.plan import Plan
from bridge.app.planned import _narrowed
from bridge.domain.record import Side
from bridge.mapping.check import check_together
from bridge.mapping.load import load_text
from bridge.mapping.model import Mapping
from bridge.monitoring.health import Status
from bridge.planning.rehearsal import parents_first
from bridge.store.model import TaskKey
from bridge.store.records import Overdue

ORDERS = """
mapping: articles
sides: {crm: fake company, erp: fake company}
creates: [erp]
direction: crm -> erp
match: [name]
fields:
  name: {crm: name, erp: name}
---
mapping: a-deals
sides: {crm: fake person, erp: fake person}
creates: [erp]
direction: crm -> erp
match: [name]
fields:
  name: {crm: name, erp: name}
  items:
    crm: items
    erp: items
    key: article
    lines:
      article: {crm: product_id, erp: product_id, link: articles}
"""


def _mappings(text: str = ORDERS) -> dict[str, Mapping]:
    return {mapping.name: mapping for mapping in load_text(text, "orders.yaml")}


def test_a_plan_of_one_mapping_includes_the_mappings_that_its_lines_name() -> None:
    mappings = _mappings()
    assert _narrowed(Plan(mappings, {}, {}, {}, {}), "a-deals").mappings.keys() == {"a-deals", "articles"}


def test_mappings_named_by_lines_are_rehearsed_first() -> None:
    mappings = _mappings()
    assert parents_first(mappings, mappings) == ["articles", "a-deals"]


def test_a_line_that_did_not_cross_because_of_its_reference_is_a_warning() -> None:
    overdue = [Overdue("a-deals", "articles", 2, TaskKey("a-deals", Side.LEFT, "7"))]
    assert references(overdue, _mappings()).status is Status.WARN
    assert (
        references(overdue, _mappings(ORDERS.replace("articles}", "articles, missing: blank}"))).status is Status.PASS
    )


def test_a_left_out_mapping_takes_the_mappings_whose_lines_name_it_along() -> None:
    mappings = _mappings()
    clashing = load_text(ORDERS.split("---")[0].replace("articles", "goods"), "goods.yaml")
    assert left_out(clashing, list(mappings.values())) == {"articles", "a-deals"}


def test_required_links_of_lines_in_a_circle_are_refused() -> None:
    text = ORDERS.replace("articles}", "articles, missing: reject}").replace(
        "name: {crm: name, erp: name}\n---",
        "deal: {crm: company_id, erp: company_id, link: a-deals, required: true}\n---",
    )
    problems = check_together(tuple(_mappings(text.replace("match: [name]", "match: none", 1)).values()), {})
    assert [problem.what for problem in problems] == [
        "no record could be created first: required links run in a circle (a-deals -> articles -> a-deals)"
    ]
