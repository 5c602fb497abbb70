"""How the desk sends a request to the running bridge through the store, with the person's name, and gets its answer."""

from collections.abc import Mapping
from typing import Any, Literal

from bridge.admin.operation import NotThere, Person
from bridge.app.build import Bridge
from bridge.app.desk.words import when
from bridge.app.requests import Requests
from bridge.domain.frozen import dataclass
from bridge.store.requests import Request

ANSWER_SECONDS = 3.0
STEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a request. `state`: done, failed, or queued while it continues in the background.

    `since`: if this is a preview and the request has a time such as `2h`, the exact moment that was used. Send it
    together with `go`, so that the same writes are meant.
    """

    request: int
    action: str
    state: Literal["done", "failed", "queued"]
    text: str
    requested_at: str | None
    done_at: str | None
    since: str | None = None


async def send_request(
    bridge: Bridge, person: Person, kind: str, arguments: Mapping[str, Any], seconds: float = ANSWER_SECONDS
) -> Outcome:
    """Store the request and wait a moment, because most requests are answered at once."""
    store, clock = bridge.store, bridge.seams.clock
    number = await store.requests.add(kind, arguments, person.name)
    end = clock.monotonic() + seconds
    while (found := await store.requests.get(number)) is not None:
        if found.done_at is not None or clock.monotonic() >= end:
            return outcome(found)
        await clock.sleep(STEP_SECONDS)
    raise NotThere(f"request {number} no longer exists")


async def do_here(bridge: Bridge, person: Person, kind: str, arguments: Mapping[str, Any]) -> Outcome:
    """Store the request and let this instance carry it out, even if others run, because it concerns only this one."""
    store = bridge.store.requests
    number = await store.add(kind, arguments, person.name, mine=True)
    await store.done(number, await Requests(bridge).answer(Request(number, kind, arguments, bridge.store.now())))
    found = await store.get(number)
    assert found is not None
    return outcome(found)


def outcome(request: Request) -> Outcome:
    """Return a request as the pages and the API show it."""
    state: Literal["done", "failed", "queued"] = "queued"
    text = "The request is queued and continues in the background."
    if request.done_at is not None:
        state, text = "failed" if request.answer.failed else "done", request.answer.text
    return Outcome(request.id, request.kind, state, text, when(request.asked_at), when(request.done_at))
