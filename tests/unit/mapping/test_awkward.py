"""Mappings as awkward as real ones load, fit their systems, pass the round-trip checks and their own examples."""

from pathlib import Path

from bridge.connectors.registry import MANIFESTS
from bridge.mapping.check import check
from bridge.mapping.examples import run_tests
from bridge.mapping.load import load_mappings
from bridge.mapping.round_trip import round_trips

MAPPINGS = load_mappings(Path(__file__).with_name("awkward"))


def test_they_fit_their_systems() -> None:
    assert [str(problem) for problem in check(MAPPINGS, MANIFESTS)] == []


def test_their_examples_pass() -> None:
    results = run_tests(MAPPINGS)
    assert len(results) == 3
    assert [str(result) for result in results if not result.passed] == []


def test_their_round_trip_checks_pass_or_say_why_not() -> None:
    verdicts = {f"{m.name}.{law.field}": str(law) for m in MAPPINGS for law in round_trips(m) if law.broken}
    assert verdicts == {
        "persons.number": "number: loses values, accepted by lossy: true (sampled, 12 values)\n"
        "  007 comes back from sof as 7 - use the functions of sof (remove-prefix: P-, remove-zeros: 6) on both sides"
    }
