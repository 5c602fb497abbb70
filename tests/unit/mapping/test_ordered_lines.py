"""Lists of lines whose order counts: the order is compared, merged and written, in both directions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Manifest
from bridge.domain.record import Side
from bridge.mapping.check import check
from bridge.mapping.explain import explain
from bridge.mapping.lines import merge_lines
from bridge.mapping.load import load_text
from bridge.mapping.merge import Action, Decision
from bridge.mapping.translate import read, same
from bridge.mapping.values import Lines
from tests.unit.mapping.test_lines import POLICIES, TEXT, base_of, carried_out, crm, decide, erp

ORDERED = TEXT.replace("    key: sku\n", "    key: sku\n    ordered: true\n")
ORDERS = {policy: load_text(ORDERED % policy, "m.yaml")[0] for policy in POLICIES}
ONE_WAY = load_text((ORDERED % "crm").replace("    crm: products\n", "    from: crm\n    crm: products\n"), "m.yaml")[0]


def plain(letters: str) -> list[tuple[str, int, int]]:
    return [(letter, 1, 10) for letter in letters]


def of(rows: Any, name: str = "code") -> str:
    return "".join(row[name] for row in rows)


def merged(left: str, right: str, was: str, mapping: Any = ORDERS["crm"]) -> tuple[str, str, list[Decision]]:
    """Return both lists after the merge, by their letters."""
    base = base_of(mapping, crm(*plain(was)), erp(*plain(was))) if was else {}
    one, two, decisions = carried_out(mapping, crm(*plain(left)), erp(*plain(right)), base)
    return of(one), of(two, "sku"), decisions


@pytest.mark.parametrize(
    ("left", "right", "was", "both"),
    [
        ("BCA", "ABC", "ABC", "BCA"),
        ("ABC", "CAB", "ABC", "CAB"),
        ("ABXC", "ABC", "ABC", "ABXC"),
        ("XABC", "ABC", "ABC", "XABC"),
        ("CBA", "ABXC", "ABC", "CBXA"),
        ("AXBC", "ABCY", "ABC", "AXBCY"),
        ("ABX", "ABY", "AB", "ABXY"),
        ("AC", "CBA", "ABC", "CA"),
        ("BAX", "AB", "AB", "BAX"),
    ],
)
def test_moves_and_new_lines_of_both_sides_are_merged(left: str, right: str, was: str, both: str) -> None:
    one, two, decisions = merged(left, right, was)
    assert (one, two) == (both, both)
    assert not any(found.conflict for found in decisions)


@pytest.mark.parametrize(("policy", "both"), [("crm", "BAC"), ("erp", "ACB")])
def test_lines_that_both_sides_moved_follow_the_policy_and_the_losing_order_is_reported(policy: str, both: str) -> None:
    one, two, (found,) = merged("BAC", "ACB", "ABC", ORDERS[policy])
    assert (one, two) == (both, both)
    assert found.conflict
    assert "both sides changed the order" in found.reason
    assert isinstance(found.loser, Lines)
    assert "".join(line.value("sku") for line in found.loser.rows) == {"crm": "ACB", "erp": "BAC"}[policy]


def test_ask_holds_the_list_when_both_sides_moved_lines_and_fill_empty_leaves_both() -> None:
    (found,) = merged("BAC", "ACB", "ABC", ORDERS["ask"])[2]
    assert found.action is Action.HOLD
    one, two, (found,) = merged("BAC", "ACB", "ABC", ORDERS["fill-empty"])
    assert (one, two, found.action) == ("BAC", "ACB", Action.NONE)


def test_at_first_contact_another_order_is_a_conflict() -> None:
    assert merged("AB", "BA", "", ORDERS["erp"])[:2] == ("BA", "BA")
    assert merged("AB", "BA", "", ORDERS["ask"])[2][0].action is Action.HOLD


def test_a_one_way_list_does_not_write_moves_of_the_target_only() -> None:
    assert merged("ABC", "CAB", "ABC", ONE_WAY)[:2] == ("ABC", "CAB")
    assert merged("BAC", "CAB", "ABC", ONE_WAY)[:2] == ("BAC", "BAC")
    assert merged("BAC", "ABCX", "ABC", ONE_WAY)[:2] == ("BAC", "BACX")


def test_a_moved_line_keeps_its_id_and_its_unmapped_columns() -> None:
    mapping = ORDERS["erp"]
    base = base_of(mapping, crm(*plain("ABC")), erp(*plain("ABC")))
    left, _, _ = carried_out(mapping, crm(*plain("ABC")), erp(*plain("CAB")), base)
    held = {row["code"]: row for row in crm(*plain("ABC"))}
    assert left == [held["C"], held["A"], held["B"]]


def test_explain_says_that_the_order_counts() -> None:
    _, rows = explain(ORDERS["crm"], Side.LEFT, {"products": crm(*plain("BA"))})
    (row,) = (row for row in rows if row.field == "items")
    assert "lines by sku in their order" in row.rule
    assert of(row.after["lines"], "sku") == "BA"


def test_an_order_is_refused_where_the_product_stores_none() -> None:
    text = ColumnSpec(Column.TEXT)
    number = ColumnSpec(Column.DECIMAL)
    inside = {"one": {"code": text, "quantity": number, "item_price": number}}
    inside["two"] = {"sku": text, "amount": number, "price": number}

    def manifest(product: str, entity: str, name: str, lines: str, *, ordered: bool) -> Manifest:
        columns = {name: text, lines: ColumnSpec(Column.LINES, lines=inside[product], ordered=ordered)}
        return Manifest(product, {entity: EntityManifest(columns)})

    def problems(mapping: Any) -> list[str]:
        manifests = {
            "one": manifest("one", "deal", "title", "products", ordered=False),
            "two": manifest("two", "order", "name", "lines", ordered=True),
        }
        return [problem.what for problem in check([mapping], manifests) if "ordered" in problem.what]

    assert problems(ORDERS["crm"]) == [
        "field rule items says `ordered`, but in one deal the order of products cannot be written"
    ]
    assert problems(ONE_WAY) == []


# Laws of the merge, over any lists.

LETTERS = st.lists(st.sampled_from("ABCDE"), max_size=5)
UNIQUE = st.lists(st.sampled_from("ABCDE"), max_size=5, unique=True)


@given(st.sampled_from(["crm", "erp"]), LETTERS, LETTERS, LETTERS)
def test_after_a_merge_both_sides_hold_one_order_and_nothing_is_left_to_do(
    policy: str, left: Any, right: Any, was: Any
) -> None:
    mapping = ORDERS[policy]
    base = base_of(mapping, crm(*plain(was)), erp(*plain(was)))
    one, two, _ = carried_out(mapping, crm(*plain(left)), erp(*plain(right)), base)
    row = mapping.named["items"]
    assert of(one) == of(two, "sku")
    assert same(
        row,
        read(mapping, Side.LEFT, {"products": one}).values["items"],
        read(mapping, Side.RIGHT, {"lines": two}).values["items"],
    )
    assert all(found.action is Action.NONE for found in decide(mapping, one, two, base_of(mapping, one, two)))


@given(UNIQUE, UNIQUE)
def test_a_move_of_one_side_only_is_on_both_sides_afterwards(left: Any, was: Any) -> None:
    for policy in POLICIES:
        one, two, decisions = merged("".join(left), "".join(was), "".join(was), ORDERS[policy])
        assert (one, two) == ("".join(left), "".join(left)) or not was
        assert not any(found.conflict for found in decisions)


@given(st.sampled_from([Side.LEFT, Side.RIGHT, None]), UNIQUE, UNIQUE, UNIQUE)
def test_swapping_the_sides_swaps_the_decision(winner: Side | None, left: Any, right: Any, was: Any) -> None:
    spec = ORDERS["crm"].named["items"].items
    assert spec is not None
    lines = [read(ORDERS["crm"], Side.LEFT, {"products": crm(*plain(one))}).values["items"] for one in (left, right)]
    base = read(ORDERS["crm"], Side.LEFT, {"products": crm(*plain(was))}).values["items"]
    both = frozenset(Side)
    straight = merge_lines(
        spec, dict(zip(Side, lines, strict=True)), dict.fromkeys(Side, base), both, lambda a, b: winner
    )
    swapped = merge_lines(
        spec,
        dict(zip(Side, reversed(lines), strict=True)),
        dict.fromkeys(Side, base),
        both,
        lambda a, b: winner.other if winner else None,
    )
    assert {side.other: goal for side, goal in straight.goals.items()} == swapped.goals
    assert straight.clashes == swapped.clashes
    assert sorted(map(str, straight.lost)) == sorted(map(str, swapped.lost))
