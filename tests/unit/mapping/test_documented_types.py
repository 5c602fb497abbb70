"""The examples of types in docs/mapping.md, run line by line."""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.record import Side
from bridge.mapping.explain import explain
from bridge.mapping.model import Mapping
from bridge.mapping.round_trip import Verdict, round_trips
from bridge.mapping.translate import read, same, write
from bridge.mapping.types.registry import TYPES

from .files import mapping_of

PAGE = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text(encoding="utf-8")
_, _, AFTER = PAGE.partition("| field rule | `crm` holds | compared as | `erp` gets |\n")
LINES = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in AFTER.partition("\n\n")[0].splitlines()[1:]
]


def rule_of(line: list[str]) -> Mapping:
    return mapping_of(f"  f: {line[0].strip('`')}\n")


def record(mapping: Mapping, side: Side, cell: str) -> dict[str, Any]:
    """Return the columns of that side with the content of the page's table cell."""
    raw = json.loads(cell.strip("`"), parse_float=Decimal)
    columns = mapping.fields[0].columns_of(side)
    assert columns is not None
    raws = raw if len(columns.paths) > 1 else [raw]
    return {path.text: one for path, one in zip(columns.paths, raws, strict=True)}


def plainly(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[0]} {line[1]}")
def test_an_example_of_the_page_holds(line: list[str]) -> None:
    mapping = rule_of(line)
    fields = record(mapping, Side.LEFT, line[1])
    told = line[2].strip()
    reading = read(mapping, Side.LEFT, fields)
    if told.startswith("refused: "):
        (problem,) = reading.problems
        assert told.removeprefix("refused: ") in problem.message
        return
    assert reading.problems == ()
    _, (row,) = explain(mapping, Side.LEFT, fields)
    assert row.value == told
    written = write(mapping, Side.RIGHT, reading.values, {})
    assert {name: plainly(value) for name, value in written.items()} == record(mapping, Side.RIGHT, line[3])
    back = read(mapping, Side.RIGHT, written)
    assert same(mapping.fields[0], back.values["f"], reading.values["f"])


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_a_rule_of_the_page_passes_the_round_trip_check(line: list[str]) -> None:
    (result,) = round_trips(rule_of(line))
    assert result.verdict is Verdict.HOLDS, str(result)


def test_the_page_has_examples_of_every_type_and_part() -> None:
    named = {name for line in LINES for name in re.findall(r"type: (\w+)", line[0])} | {"text"}
    assert named == set(TYPES)
