"""Frozen values: equal and hashed by their content, copied with other values."""

import dataclasses

import pytest

from bridge.domain.values import dataclass, replace


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


@dataclass(frozen=True, slots=True)
class Noted:
    value: int
    note: str = dataclasses.field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, order=True)
class Ranked:
    value: int


class Kind(Cell):
    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) is True

    def __hash__(self) -> int:
        return super().__hash__()


def test_fields_that_are_not_compared_or_shown_are_left_out() -> None:
    assert Noted(1, "a") == Noted(1, "b")
    assert hash(Noted(1, "a")) == hash(Noted(1, "b"))
    assert Noted(1) != Noted(2)
    assert repr(Noted(1, "a")) == "Noted(value=1)"
    assert repr(Cell(1, "a")) == "Cell(value=1, name='a')"


def test_only_values_of_the_same_class_are_equal_and_only_ordered_ones_have_an_order() -> None:
    assert Noted(1) != Ranked(1)
    assert Cell(1).__eq__(1) is NotImplemented
    assert sorted([Ranked(2), Ranked(1)]) == [Ranked(1), Ranked(2)]
    with pytest.raises(TypeError):
        sorted([Cell(2), Cell(1)])  # type: ignore[type-var]


def test_a_class_of_its_kind_may_compare_by_what_it_inherits() -> None:
    assert Kind(1) == Kind(1)
    assert {Kind(1), Kind(1), Kind(2)} == {Kind(1), Kind(2)}
