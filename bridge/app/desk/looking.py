"""How a person starts a look (a plan, a verification or the doctor), and how its state is shown."""

from collections.abc import Sequence
from typing import Any

from bridge.admin.operation import Given, Person
from bridge.app.build import Bridge
from bridge.app.desk.words import when
from bridge.app.looks import Look


async def begin(
    bridge: Bridge, kind: str, action: str, about: str, person: Person, command: Sequence[str], given: Given
) -> None:
    """Start a look of this kind, unless one is running. `action`: its name in the audit log; "" if the command notes
    itself."""
    if bridge.looks.begin(kind, about, person.name, command) and action:
        await bridge.store.audit.note(person.name, action, "begun", given.model_dump(exclude_none=True))


def outline(look: Look | None) -> dict[str, Any]:
    """Return what all kinds of look show. None: there was no look yet."""
    if look is None:
        return {"state": "never", "about": "", "requested_by": "", "began_at": None, "ended_at": None, "fault": ""}
    found = {"state": look.state, "about": look.about, "requested_by": look.person, "fault": look.fault}
    return {**found, "began_at": when(look.began_at), "ended_at": when(look.ended_at)}
