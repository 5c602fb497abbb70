"""`bridge sandbox` takes other ports than usual when they are in use, and says so."""

import pytest

from bridge.cli.sandbox import ADMIN, Place, _taken
from bridge.simulators.serve import PRODUCTS

USUAL = PRODUCTS["deskera"].port


@pytest.mark.parametrize(
    ("ports", "admin", "taken"),
    [
        ([USUAL], ADMIN, []),
        ([USUAL, 40001], ADMIN, []),  # the second system of one product never has the usual port
        ([40000, 40001], ADMIN, [USUAL]),
        ([USUAL], 40002, [ADMIN]),
    ],
)
def test_usual_ports_that_are_in_use_are_named(ports: list[int], admin: int, taken: list[int]) -> None:
    places = [Place(side, f"deskera-{side}", "deskera", port) for side, port in zip("ab", ports, strict=False)]
    assert _taken(places, admin) == taken
