"""Mappings that pair records and write nothing, and what stands in place of a linked record that does not cross."""

from typing import Any

import pytest

from bridge.connectors.registry import CONNECTORS
from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.check import check
from bridge.mapping.examples import run_tests
from bridge.mapping.explain import explain
from bridge.mapping.load import load_text

USERS = """\
mapping: users
sides: {crm: pipedrive user, two: pipedrive user}
direction: none
match: [email]
fields:
  email: {crm: email, two: email, type: email}
tests:
  - name: the same address
    crm: {email: Ana@x.example}
    two: {email: ana@x.example}
"""
DEALS = """\
mapping: deals
sides: {crm: pipedrive deal, two: pipedrive deal}
match: none
conflict: crm
fields:
  title: {crm: title, two: title, required: true}
  owner: {crm: owner_id, two: owner_id, link: users%s}
"""


def loaded(more: str = "", users: str = USERS) -> tuple[Any, ...]:
    return tuple(load_text(f"{users}---\n{DEALS % more}", "m.yaml"))


def test_a_mapping_that_pairs_records_writes_to_no_side_and_fits_products_that_take_no_writes() -> None:
    users, deals = loaded()
    assert (users.writes, users.creates) == (frozenset(), frozenset())
    manifests = {name: kind.manifest for name, kind in CONNECTORS.items()}
    assert [str(fault) for fault in check([users, deals], manifests)] == []


def test_the_examples_of_such_a_mapping_say_which_records_are_the_same() -> None:
    (found,) = run_tests(loaded()[:1])
    assert (found.passed, found.direction) == (True, "crm = two")
    (found,) = run_tests(loaded(users=USERS.replace("two: {email: ana@", "two: {email: bo@"))[:1])
    assert "no match key is the same on both sides" in str(found)


def test_what_stands_in_place_of_a_record_that_does_not_cross_is_by_side() -> None:
    _, deals = loaded(", otherwise: {two: 7}")
    assert deals.named["owner"].otherwise == {Side.RIGHT: "7"}
    _, rows = explain(deals, Side.LEFT, {"title": "T", "owner_id": "11"})
    assert rows[1].why.endswith("or 7 where it does not cross")
    _, deals = loaded(", from: crm, otherwise: 7")
    assert deals.named["owner"].otherwise == {Side.RIGHT: "7"}


def test_an_example_names_what_stands_in_place() -> None:
    tests = """\
tests:
  - name: nobody there
    crm: {title: T, owner_id: "11"}
    two: {title: T, owner_id: "7"}
    only: crm -> two
"""
    _, deals = load_text(f"{USERS}---\n{DEALS % ', otherwise: {two: 7}'}{tests}", "m.yaml")
    (found,) = run_tests([deals])
    assert found.passed, str(found)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (", missing: blank, otherwise: {two: 7}", "says `otherwise`, and `missing` says what else"),
        (", from: crm, otherwise: {crm: 7}", "names crm, which it does not write to"),
        (", otherwise: {three: 7}", "three"),
    ],
)
def test_what_is_wrong_with_it_is_told(more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        loaded(more)


def test_a_mapping_that_writes_nothing_and_matches_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="writes nothing, and with match: none it pairs nothing"):
        loaded(users=USERS.replace("match: [email]", "match: none"))
