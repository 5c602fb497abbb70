"""Mappings that pair records without writing, and links to the records they pair."""

from typing import Any

import pytest

from bridge.app.desk.records import rule_of
from bridge.app.desk.words import sides
from bridge.connectors.registry import MANIFESTS
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


def test_a_mapping_that_pairs_records_writes_to_no_side_and_fits_products_that_accept_no_writes() -> None:
    users, deals = loaded()
    assert (users.writes, users.creates) == (frozenset(), frozenset())
    assert [str(problem) for problem in check([users, deals], MANIFESTS)] == []


def test_the_examples_of_such_a_mapping_say_which_records_are_the_same() -> None:
    (found,) = run_tests(loaded()[:1])
    assert (found.passed, found.direction) == (True, "crm = two")
    (found,) = run_tests(loaded(users=USERS.replace("two: {email: ana@", "two: {email: bo@"))[:1])
    assert "no match key is the same on both sides" in str(found)


def test_a_link_to_paired_records_takes_no_otherwise() -> None:
    with pytest.raises(ConfigError, match="otherwise"):
        loaded(", otherwise: 7")


def test_records_that_are_matched_by_a_link_are_the_same_by_the_links_of_the_example() -> None:
    kids = """\
---
mapping: kids
sides: {crm: pipedrive deal, two: pipedrive deal}
direction: none
match: [owner + title]
fields:
  title: {crm: title, two: title}
  owner: {crm: owner_id, two: owner_id, link: users}
tests:
  - name: of the same owner
    crm: {title: T, owner_id: 1}
    two: {title: T, owner_id: 9}
    links: {users: [[1, %s]]}
"""
    told = {there: run_tests(load_text(f"{USERS}{kids % there}", "m.yaml")[1:])[0] for there in ("9", "8")}
    assert told["9"].passed, str(told["9"])
    assert "no match key is the same on both sides" in str(told["8"])
    (unlinked,) = run_tests(load_text(f"{USERS}{kids % 9}".replace("links: {users: [[1, 9]]}", ""), "m.yaml")[1:])
    assert "`links` of the example does not name users 1" in str(unlinked)


def test_a_mapping_that_pairs_records_is_not_shown_as_one_that_writes() -> None:
    users = loaded()[0]
    whole, rows = explain(users, Side.LEFT, {"email": "a@x.example"})
    assert whole == "in mapping users, which pairs it with a record of two and writes nothing"
    assert rows[0].rule.startswith("email, crm = two")
    assert rule_of(users, users.fields[0]) == "crm = two, email"
    assert sides(users) == "crm user = two user"


def test_a_mapping_that_writes_nothing_and_matches_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="writes nothing, and with match: none it links nothing"):
        loaded(users=USERS.replace("match: [email]", "match: none"))
