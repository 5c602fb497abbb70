"""A population of any size, the same in every product: person 7 has one name, e-mail and phone wherever it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Inhabitants:
    """Makes record `number` of a population: as the first one, with what is its own. A class, so that an account that
    holds a population can be kept."""

    first: dict[str, Any]
    own: Callable[[int], dict[str, Any]]

    def __call__(self, number: int) -> dict[str, Any]:
        return {**self.first, "id": number, **self.own(number)}


def name_of(number: int) -> str:
    return f"Inhabitant {number:07}"


def email_of(number: int) -> str:
    return f"inhabitant{number}@population.example"


def phone_of(number: int) -> str:
    """The national number of a Norwegian phone."""
    return f"{22_000_000 + number % 1_000_000}"
