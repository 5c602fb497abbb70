"""Three systems in a chain: an edit at one end reaches the other one, and then no more writes follow.

The bench has two products; the third system of the chain is the companies of the first one.
"""

from collections.abc import Awaitable, Callable

import pytest

from tests.sync.bench import Bench

NewBench = Callable[..., Awaitable[Bench]]
CHAIN = """
mapping: first
sides: {{crm: fake person, erp: fake person}}
direction: both
creates: [erp]
match: [email]
conflict: crm
fields:
  name:  {{crm: name, erp: name{first}}}
  email: {{crm: email, erp: email}}
---
mapping: second
sides: {{crm: fake company, erp: fake person}}
direction: both
creates: [crm]
match: [email]
conflict: erp
fields:
  name:  {{crm: name, erp: name}}
  email: {{crm: email, erp: email}}
"""
BOTH_WAYS = CHAIN.format(first="")
ONE_MASTER = CHAIN.format(first=", from: crm")


async def in_a_row(new_bench: NewBench, text: str) -> tuple[Bench, Callable[..., None], Callable[[], list[str]]]:
    """A record in all three systems: functions that edit it in one of them (0, 1, 2) and that return its names."""
    bench = await new_bench(text)
    bench.crm.person_creates("person", name="Ana", email="ana@x.example")
    await bench.settle()
    ends = [(bench.crm, "person"), (bench.erp, "person"), (bench.crm, "company")]

    def edit(at: int, name: str) -> None:
        product, entity = ends[at]
        (record_id,) = product.live(entity)
        product.person_edits(entity, record_id, name=name)

    def names() -> list[str]:
        return [row["name"] for product, entity in ends for row in product.live(entity).values()]

    assert names() == ["Ana"] * 3
    bench.clock.advance(60)
    return bench, edit, names


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_an_edit_anywhere_reaches_all(new_bench: NewBench, at: int) -> None:
    bench, edit, names = await in_a_row(new_bench, BOTH_WAYS)
    edit(at, "Ana Lund")
    await bench.settle()
    assert names() == ["Ana Lund"] * 3
    await bench.assert_silent()


AT_ONCE = [(0, 2), (2, 0), (0, 1), (0, 1, 2)]


@pytest.mark.parametrize(
    ("text", "at"), [*((text, at) for text in (BOTH_WAYS, ONE_MASTER) for at in AT_ONCE), (BOTH_WAYS, (1, 2))]
)
async def test_edits_at_several_places_at_once_come_to_rest_with_one_of_them(
    new_bench: NewBench, text: str, at: tuple[int, ...]
) -> None:
    bench, edit, names = await in_a_row(new_bench, text)
    for place in at:
        edit(place, f"Ana {place}")
    await bench.settle()
    (name,) = set(names())
    assert name in {f"Ana {place}" for place in at}
    await bench.assert_silent()


@pytest.mark.parametrize("at", [1, 2])
async def test_an_edit_behind_the_master_does_not_go_back_and_forth(new_bench: NewBench, at: int) -> None:
    bench, edit, names = await in_a_row(new_bench, ONE_MASTER)
    edit(at, "Ana Lund")
    await bench.settle()
    first, *others = names()
    assert first == "Ana"
    assert others in (["Ana"] * 2, ["Ana Lund"] * 2)
    await bench.assert_silent()
    edit(0, "Ana Berg")
    await bench.settle()
    assert names() == ["Ana Berg"] * 3
