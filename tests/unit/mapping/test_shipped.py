"""The mapping files that ship load, fit their systems, and pass the round-trip checks."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.registry import MANIFESTS
from bridge.domain.record import Side
from bridge.mapping.check import check
from bridge.mapping.examples import run_tests
from bridge.mapping.merge import Action, Times, merge
from bridge.mapping.round_trip import round_trips
from bridge.mapping.translate import for_create, passes_where, read

from .files import PAIRS, SHIPPED, shipped

MAPPINGS = {mapping.name: mapping for mapping in shipped(SHIPPED / "pipedrive-deskera")}
LEFT, RIGHT = Side


@pytest.mark.parametrize("folder", PAIRS, ids=lambda folder: folder.name)
def test_every_shipped_mapping_passes_its_own_tests(folder: Path) -> None:
    mappings = shipped(folder)
    results = run_tests(mappings)
    assert {result.mapping for result in results} == {mapping.name for mapping in mappings}
    failed = [str(result) for result in results if not result.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("folder", PAIRS, ids=lambda folder: folder.name)
def test_every_shipped_mapping_fits_its_systems(folder: Path) -> None:
    assert [str(problem) for problem in check(shipped(folder), MANIFESTS)] == []


def test_every_shipped_mapping_that_may_meet_duplicates_states_its_policy_for_them() -> None:
    for mapping in (mapping for folder in PAIRS for mapping in shipped(folder)):
        said = "duplicates" in mapping.places
        assert said is bool(mapping.match and mapping.creates), mapping.name


def test_only_the_stage_of_deals_loses_values() -> None:
    broken = {(m.name, law.field) for m in MAPPINGS.values() for law in round_trips(m) if law.broken}
    assert broken == {("deals", "stage")}


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=30)
names = texts.filter(str.strip)
stages = st.sampled_from(["Qualified", "Contact Made", "Proposal Made", "Negotiations Started"])
money = st.none() | st.decimals(0, 10**9, places=2)
phones = st.sampled_from(["+47 22 12 34 56", "22123456", "(0)22 12 34 56", "ext. 7", "+1 650 253 0000"])


def items(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    labels = st.lists(st.tuples(values, st.sampled_from(["work", "home", "mobile"])), max_size=3)
    return labels.map(
        lambda pairs: [{"value": v, "label": label, "primary": not at} for at, (v, label) in enumerate(pairs)]
    )


crm_records = {
    "organizations": st.fixed_dictionaries({"name": names, "address": st.none() | texts.map(lambda t: {"value": t})}),
    "people": st.fixed_dictionaries({"name": names, "emails": items(st.emails()), "phones": items(phones)}),
    "deals": st.fixed_dictionaries(
        {"title": names, "value": money, "currency": st.sampled_from(["EUR", "JPY", "KWD", None])}
        | {"pipeline": st.just("Sales"), "stage": stages, "status": st.sampled_from(["open", "won", "lost"])}
        | {"expected_close_date": st.none() | st.dates(date(1970, 1, 1), date(2200, 1, 1))}
        | {"custom": st.sampled_from([None, "Small", "Medium", "Large"]).map(lambda word: {"Segment": word})}
    ),
}


@pytest.mark.parametrize("name", sorted(MAPPINGS))
def test_a_record_created_from_another_is_in_sync_with_it(name: str) -> None:
    mapping = MAPPINGS[name]

    @given(crm_records[name])
    def crosses(record: dict[str, Any]) -> None:
        left = read(mapping, LEFT, record)
        assert left.problems == ()
        made = for_create(mapping, RIGHT, left.values)
        assert passes_where(mapping, RIGHT, made) is True
        unwritten = {
            path.top: None for row in mapping.fields if row.right for path in row.right.paths if not path.custom
        }
        right = read(mapping, RIGHT, {**unwritten, **made})
        assert right.problems == ()
        decisions = merge(mapping, left, right, {}, Times(None, None, 1.0))
        assert {d.field for d in decisions if d.action is not Action.IN_SYNC and d.reason != "not read"} == set()

    crosses()


def test_a_deskera_deal_reads_typed_values() -> None:
    deal = {"amount": Decimal("12.5"), "currency_code": "eur", "closing_date": datetime(2026, 3, 31, tzinfo=UTC)}
    values = read(MAPPINGS["deals"], RIGHT, deal).values
    assert str(values["amount"].amount) == "12.50"
    assert values["close"] == date(2026, 3, 31)
