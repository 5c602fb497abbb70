"""A small part of the attack, in this process; and the judge detects what is wrong. The full attack: `make attack`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.callbacks.connections import Limits
from bridge.callbacks.receiver import Receiver
from tests.acceptance.site import fetch
from tests.admin.office import ANNA, OLE, office
from tests.clock import FakeClock
from tests.field.attack.judge import Tally
from tests.field.attack.socketry import Attempt, Outcome, attempt_at
from tests.field.attack.strangers import Strangers
from tests.field.attack.visitors import Visitors
from tests.integration.listening import HERE, door
from tests.unit.callbacks.fakes import LineDecoder, Memory

ATTEMPT = Attempt("smuggling", "x", [b"POST / HTTP/1.1\r\n\r\n"], forged=True)


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome((404,), 0.1, hung=False), ""),
        (Outcome((503,), 0.1, hung=False), ""),
        (Outcome((), 0.1, hung=False), ""),
        (Outcome((500,), 0.1, hung=False), "answered 500"),
        (Outcome((404, 502), 0.1, hung=False), "answered 502"),
        (Outcome((404, 200), 0.1, hung=False), "taken for real"),
        (Outcome((), 15.0, hung=True), "no answer"),
    ],
)
def test_which_outcomes_are_wrong(outcome: Outcome, fault: str) -> None:
    told = outcome.fault(ATTEMPT)
    assert told.startswith(fault)
    assert bool(told) == bool(fault)


def test_an_answer_that_shows_a_secret_is_wrong() -> None:
    tally = Tally()
    tally.note(
        1, ATTEMPT, Outcome((404,), 0.1, hung=False, said=b"...hush..."), [("the token", "hush"), ("b", "other")]
    )
    assert tally.faults == ["smuggling 1 (x): the answer shows the token"]


async def judged(port: int, attempts: Sequence[Attempt]) -> Tally:
    """Send every attempt at once, each in a thread."""
    tally = Tally()

    async def one(number: int, attempt: Attempt) -> None:
        tally.note(number, attempt, await asyncio.to_thread(attempt_at, port, attempt))

    await asyncio.gather(*(one(number, attempt) for number, attempt in enumerate(attempts)))
    return tally


async def test_requests_of_strangers_are_refused_in_time() -> None:
    receiver = Receiver({"crm": LineDecoder(), "erp": LineDecoder()}, HERE, Memory().submit, FakeClock())
    strangers = Strangers(HERE, seed=1)
    async with door(receiver, Limits(100, head_seconds=1.0, idle_seconds=5.0), body_seconds=1.0) as here:
        drawn = [strangers.draw(kind, number) for kind in strangers.kinds for number in range(4)]
        tally = await judged(here.listener.ports[0], drawn)
    assert not tally.faults, tally.faults
    assert set(tally.answers) == set(strangers.kinds)


async def test_requests_to_the_admin_listener_are_answered(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        port = int(here.url.rpartition(":")[2])
        answer = await asyncio.to_thread(fetch, f"{here.url}/api/v1/openapi.json", token=ANNA)
        visitors, attempts = Visitors(answer.json(), 1, ANNA, OLE), list[Attempt]()
        for number, strangers in ((1, False), (2, True)):
            await asyncio.to_thread(visitors.batch, number, attempts.append, strangers)
        tally = await judged(port, attempts)
    assert not tally.faults, tally.faults
    assert {"admin api", "admin page", "admin stranger"} <= set(tally.answers)


def test_the_same_seed_draws_the_same_attempts() -> None:
    one, same, other = Strangers(HERE, 1), Strangers(HERE, 1), Strangers(HERE, 2)
    for kind in one.kinds:
        assert [one.draw(kind, at) for at in range(5)] == [same.draw(kind, at) for at in range(5)]
    assert [one.draw("rubbish", at) for at in range(9)] != [other.draw("rubbish", at) for at in range(9)]
