"""Lists of lines are read, compared and merged line by line, in both directions."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.load import load_text
from bridge.mapping.merge import Action, Decision, FieldBase, Times, dump_base, load_base, merge
from bridge.mapping.model import Mapping
from bridge.mapping.translate import for_create, read, same, write
from bridge.mapping.values import Reference, parts_of

TEXT = """\
mapping: orders
sides: {crm: one deal, erp: two order}
match: none
conflict: %s
fields:
  title: {crm: title, erp: name}
  items:
    crm: products
    erp: lines
    key: sku
    lines:
      sku:    {crm: code, erp: sku}
      amount: {crm: quantity, erp: amount, type: decimal}
      price:  {crm: item_price, erp: price, type: decimal}
"""
POLICIES = ["crm", "erp", "ask", "fill-empty"]
ORDERS = {policy: load_text(TEXT % policy, "m.yaml")[0] for policy in POLICIES}
UNKNOWN = Times(None, None, 1.0)


def crm(*lines: tuple[str, Any, Any], start: int = 1) -> list[dict[str, Any]]:
    return [
        {"id": str(at), "code": code, "quantity": amount, "item_price": price, "sum": "of the vendor"}
        for at, (code, amount, price) in enumerate(lines, start)
    ]


def erp(*lines: tuple[str, Any, Any]) -> list[dict[str, Any]]:
    return [{"sku": code, "amount": amount, "price": price} for code, amount, price in lines]


def base_of(mapping: Mapping, left: Any, right: Any) -> dict[str, FieldBase]:
    one, two = read(mapping, Side.LEFT, {"products": left}), read(mapping, Side.RIGHT, {"lines": right})
    row = mapping.named["items"]
    values, hashes = (one.values["items"], two.values["items"]), (one.hashes["items"], two.hashes["items"])
    found = {"items": FieldBase(*values, *hashes, row.fingerprint, row.columns_fingerprint)}
    return dict(load_base(mapping, dump_base(mapping, found)))


def decide(mapping: Mapping, left: Any, right: Any, base: Any) -> list[Decision]:
    one, two = read(mapping, Side.LEFT, {"products": left}), read(mapping, Side.RIGHT, {"lines": right})
    return [found for found in merge(mapping, one, two, base, UNKNOWN) if found.field == "items"]


def carried_out(mapping: Mapping, left: Any, right: Any, base: Any) -> tuple[Any, Any, list[Decision]]:
    """Return both lists after the decisions were written."""
    decisions = decide(mapping, left, right, base)
    for one in decisions:
        if one.action is Action.TO_LEFT:
            left = write(mapping, Side.LEFT, {"items": one.value}, {"products": left})["products"]
        elif one.action is Action.TO_RIGHT:
            right = write(mapping, Side.RIGHT, {"items": one.value}, {"lines": right})["lines"]
    return left, right, decisions


def plainly(rows: Any, *names: str) -> set[tuple[Any, ...]]:
    return {tuple(row.get(name) for name in names) for row in rows}


def of_crm(rows: Any) -> set[tuple[Any, ...]]:
    return plainly(rows, "code", "quantity", "item_price")


def of_erp(rows: Any) -> set[tuple[Any, ...]]:
    return plainly(rows, "sku", "amount", "price")


A, B, C = ("A", 1, 10), ("B", 2, 20), ("C", 3, 30)


def test_lines_added_on_both_sides_both_survive() -> None:
    orders = ORDERS["crm"]
    base = base_of(orders, crm(A), erp(A))
    left, right, decisions = carried_out(orders, crm(A, B), erp(A, C), base)
    assert of_crm(left) == of_erp(right) == {A, B, C}
    assert not any(one.conflict for one in decisions)
    assert left[0] == crm(A)[0], "columns without a field rule stay, and so do a line's id and place"
    assert "id" not in left[2], "a new line has no id yet"


def test_different_fields_of_one_line_both_survive() -> None:
    orders = ORDERS["crm"]
    left, right, _ = carried_out(orders, crm(("A", 5, 10)), erp(("A", 1, 99)), base_of(orders, crm(A), erp(A)))
    assert of_crm(left) == of_erp(right) == {("A", 5, 99)}


def test_a_line_deleted_on_one_side_is_deleted_on_the_other() -> None:
    orders = ORDERS["erp"]
    left, right, decisions = carried_out(orders, crm(A), erp(A, B), base_of(orders, crm(A, B), erp(A, B)))
    assert of_crm(left) == of_erp(right) == {A}
    assert [one.action for one in decisions] == [Action.TO_RIGHT]


@pytest.mark.parametrize(
    ("policy", "kept"), [("crm", set[Any]()), ("erp", {("A", 5, 10)}), ("fill-empty", {("A", 5, 10)})]
)
def test_a_line_deleted_on_one_side_and_edited_on_the_other_follows_the_policy(policy: str, kept: set[Any]) -> None:
    orders = ORDERS[policy]
    left, right, decisions = carried_out(orders, crm(), erp(("A", 5, 10)), base_of(orders, crm(A), erp(A)))
    assert of_crm(left) == of_erp(right or []) == kept
    assert "both sides changed a was edited here and deleted there" in decisions[0].reason
    if policy == "crm":
        assert str(decisions[0].loser) == "sku=A amount=5 price=10"


def test_ask_holds_the_list_until_a_person_has_chosen() -> None:
    orders = ORDERS["ask"]
    (found,) = decide(orders, crm(("A", 5, 10), B), erp(("A", 6, 10)), base_of(orders, crm(A), erp(A)))
    assert (found.action, found.conflict) == (Action.HOLD, True)
    assert "both sides changed a amount" in found.reason


def test_an_echo_is_no_edit_and_order_does_not_count() -> None:
    orders = ORDERS["crm"]
    base = base_of(orders, crm(A, B), erp(A, B))
    assert [one.action for one in decide(orders, crm(A, B), erp(A, B), base)] == [Action.NONE]
    (found,) = decide(orders, crm(B, A), erp(A, B), base)
    assert found.action is not Action.TO_RIGHT
    assert write(orders, Side.RIGHT, read(orders, Side.LEFT, {"products": crm(B, A)}).values, {"lines": erp(A, B)}) == {
        "lines": erp(A, B)
    }


def test_the_first_contact_joins_both_lists() -> None:
    orders = ORDERS["erp"]
    left, right, _ = carried_out(orders, crm(("A", 1, None), B), erp(("A", 7, 10), C), {})
    assert of_crm(left) == of_erp(right) == {("A", 7, 10), B, C}


def test_two_lines_of_the_same_product_are_distinguished_by_their_place() -> None:
    orders = ORDERS["crm"]
    twice = (A, ("A", 4, 12))
    base = base_of(orders, crm(*twice), erp(*twice))
    left, right, _ = carried_out(orders, crm(A, ("A", 9, 12)), erp(*twice), base)
    assert of_crm(left) == of_erp(right) == {A, ("A", 9, 12)}


def test_a_one_way_list_does_not_write_changes_of_the_target_only() -> None:
    (orders,) = load_text((TEXT % "crm").replace("    crm: products\n", "    from: crm\n    crm: products\n"), "m.yaml")
    base = base_of(orders, crm(A, B), erp(A, B))
    left, right, _ = carried_out(orders, crm(A, ("B", 2, 25)), erp(("A", 9, 10), B, C), base)
    assert of_crm(left) == {A, ("B", 2, 25)}
    assert of_erp(right) == {("A", 9, 10), ("B", 2, 25), C}


def test_a_new_record_gets_the_lines_of_its_source() -> None:
    orders = ORDERS["crm"]
    values = read(orders, Side.LEFT, {"title": "T", "products": crm(A, ("B", None, 2))}).values
    made = for_create(orders, Side.RIGHT, values)
    assert made["lines"] == [
        {"sku": "A", "amount": Decimal(1), "price": Decimal(10)},
        {"sku": "B", "price": Decimal(2)},
    ]


def test_a_line_that_cannot_be_read_is_named() -> None:
    reading = read(ORDERS["crm"], Side.LEFT, {"products": crm(A, ("B", "many", 1))})
    assert [problem.message for problem in reading.problems] == ["crm products: line 2, amount: `many` is not a number"]


def test_a_line_names_records_of_other_mappings() -> None:
    text = (TEXT % "crm").replace("{crm: code, erp: sku}", "{crm: product_id, erp: product, link: products}")
    text += "---\nmapping: products\nsides: {crm: one product, erp: two item}\nmatch: none\nconflict: crm\n"
    orders, _ = load_text(text + "fields:\n  name: {crm: name, erp: name}\n", "m.yaml")
    value = read(orders, Side.LEFT, {"products": [{"product_id": 7, "quantity": 1}]}).values["items"]
    assert Reference("products", Side.LEFT, "7") in parts_of(value)
    assert [row.link for row in orders.named["items"].refers] == ["products"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("{crm: a, erp: b, lines: {sku: {crm: c, erp: d}}}", "does not say which lines of both sides belong together"),
        ("{crm: a, erp: b, key: sk, lines: {sku: {crm: c, erp: d}}}", "`key` of field rule f names `sk`"),
        ("{crm: a, erp: b, key: s, lines: {s: {crm: c, erp: d, from: crm}}}", "says `from`, which applies"),
        ("{crm: a, erp: b, key: s, lines: {}}", "`lines` of field rule f has no field rules"),
        ("{crm: a, key: s, lines: {s: {crm: c, erp: d}}}", "field rule f has no column for erp"),
    ],
)
def test_problems_with_lines_are_reported(rows: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_text(TEXT.partition("  title:")[0] % "crm" + f"  f: {rows}\n", "m.yaml")


def test_a_list_is_no_match_key() -> None:
    with pytest.raises(ConfigError, match="names `items`, which is a list of lines"):
        load_text((TEXT % "crm").replace("match: none", "match: [items]"), "m.yaml")


# Laws of the merge, over any lists.

LINES = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 2), st.integers(0, 2)), max_size=4)


@given(st.sampled_from(["crm", "erp"]), LINES, LINES, LINES)
def test_after_a_merge_both_sides_agree_and_nothing_is_left_to_do(policy: str, left: Any, right: Any, was: Any) -> None:
    orders = ORDERS[policy]
    base = base_of(orders, crm(*was), erp(*was))
    one, two, _ = carried_out(orders, crm(*left), erp(*right), base)
    row = orders.named["items"]
    left_now = read(orders, Side.LEFT, {"products": one}).values["items"]
    assert same(row, left_now, read(orders, Side.RIGHT, {"lines": two}).values["items"])
    again = decide(orders, one, two, base_of(orders, one, two))
    assert all(found.action is Action.NONE for found in again)


def plain_lines(rows: Any) -> list[tuple[Any, ...]]:
    return [(row["sku"], row["amount"], row["price"]) for row in rows]


@given(LINES, LINES)
def test_a_change_of_one_side_only_is_on_both_sides_afterwards(left: Any, was: Any) -> None:
    for policy in ("crm", "erp", "ask", "fill-empty"):
        orders = ORDERS[policy]
        base = base_of(orders, crm(*was), erp(*was))
        one, two, decisions = carried_out(orders, crm(*left), erp(*was), base)
        assert sorted(plain_lines(two)) == sorted(plain_lines(erp(*left)))
        assert one == crm(*left), "nothing is written to the edited side"
        assert not any(found.conflict for found in decisions)


@given(LINES, LINES, LINES)
def test_a_line_that_was_not_deleted_is_on_both_sides_afterwards(left: Any, right: Any, was: Any) -> None:
    orders = ORDERS["crm"]
    one, two, _ = carried_out(orders, crm(*left), erp(*right), base_of(orders, crm(*was), erp(*was)))
    before = {code for code, _, _ in was}
    added = {code for code, _, _ in (*left, *right)} - before
    both = {code for code, _, _ in left} & {code for code, _, _ in right}
    assert added | both <= {row["code"] for row in one}
    assert {row["code"] for row in one} == {row["sku"] for row in two}
