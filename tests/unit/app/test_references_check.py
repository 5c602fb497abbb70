"""What health reports about references that did not cross."""

from bridge.app.checks import references
from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.model import Mapping
from bridge.monitoring.health import Status
from bridge.store.model import TaskKey
from bridge.store.records import Overdue
from tests.sync.bench import WITH_COMPANIES

MISSING = [Overdue("people", "companies", 3, TaskKey("people", Side.LEFT, "7"))]


def _mappings(text: str) -> dict[str, Mapping]:
    return {mapping.name: mapping for mapping in load_text(text, "check.yaml")}


def test_references_that_did_not_cross_are_a_warning_that_names_a_record_and_the_remedy() -> None:
    result = references(MISSING, _mappings(WITH_COMPANIES))
    assert (result.status, result.value) == (Status.WARN, 3)
    assert "3 references of people (such as crm person 7) did not cross" in result.output
    assert "`bridge backfill companies`" in result.output


def test_references_that_may_be_blank_and_references_of_removed_mappings_are_no_warning() -> None:
    blank = WITH_COMPANIES.replace("link: companies}", "link: companies, missing: blank}")
    for text in (blank, WITH_COMPANIES.split("---")[0]):
        assert references(MISSING, _mappings(text)).status is Status.PASS
    assert references([], _mappings(WITH_COMPANIES)).status is Status.PASS
