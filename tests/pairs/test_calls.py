"""A change costs no more calls than docs/systems.md says."""

from pathlib import Path

import pytest

from tests.pairs.calls import CHANGES, PAGE, VENDORS, count, written

OVERTAKEN = {"create": 2}
"""Additional calls if the callback about a new record comes before the create's answer: it is looked up then."""


@pytest.mark.pairs
@pytest.mark.timeout(120)
@pytest.mark.parametrize("target", sorted(VENDORS))
async def test_no_change_costs_more_calls_than_the_page_says(target: str, tmp_path: Path) -> None:
    said = written(PAGE.read_text(encoding="utf-8"))[target]
    counted = await count(target, tmp_path)
    most = {change: said[change][0] + OVERTAKEN.get(change, 0) for change in CHANGES}
    more = {change: counted[change] for change in CHANGES if sum(counted[change]) > most[change]}
    assert more == {}, f"more calls (source, target) than docs/systems.md says: {more}"


def test_an_update_and_its_echo_take_four_calls_at_most() -> None:
    said = written(PAGE.read_text(encoding="utf-8"))
    assert {target: counts["update"][0] for target, counts in said.items() if counts["update"][0] > 4} == {}
