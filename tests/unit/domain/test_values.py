"""Frozen values: equal and hashed by their content, copied with other values."""

import dataclasses

import pytest

from bridge.domain.frozen import dataclass, replace


@dataclass(frozen=True, slots=True)
class Cell:
    value: int
    name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    value: int


def test_a_copy_has_the_new_values_and_the_original_is_unchanged() -> None:
    one = Cell(1, "a")
    assert (replace(one, value=2), one) == (Cell(2, "a"), Cell(1, "a"))
    assert {one: "found"}[Cell(1, "a")] == "found"


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Cell has no field size"):
        replace(Cell(1), size=2)  # type: ignore[call-arg]


def test_any_other_dataclass_is_copied_as_well() -> None:
    assert replace(Slotted(1), value=2) == Slotted(2)
