"""A population of any size, the same in every product: person 7 has the same name, e-mail and phone everywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Inhabitants:
    """Makes record `number` of a population: a copy of the first record with its own values.

    It is a class, so that an account with a population can be pickled.
    """

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
