"""A population of any size, the same in every product: person 7 has one name, e-mail and phone wherever it is shown."""


def name_of(number: int) -> str:
    return f"Inhabitant {number:07}"


def email_of(number: int) -> str:
    return f"inhabitant{number}@population.example"


def phone_of(number: int) -> str:
    """The national number of a Norwegian phone."""
    return f"{22_000_000 + number % 1_000_000}"
