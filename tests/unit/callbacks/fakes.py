"""A decoder and a submit function that record their calls, for tests of the receiver."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import BadCallback, StoreUnavailable
from bridge.domain.event import Event, EventKind, Origin


class LineDecoder:
    """Each line of a body is the id of a changed deal; an empty body names no record. The password is checked."""

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        if "authorization" not in head.headers:
            raise BadCallback("no credentials")

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        if callback.headers.get("authorization") != secret.password:
            raise BadCallback("wrong credentials")

    def decode(self, callback: Callback) -> Sequence[Event]:
        lines = callback.body.decode(errors="replace").split("\n")
        return [
            Event(callback.system, "deal", line or None, EventKind.CHANGED, Origin.WEBHOOK, body=callback.body)
            for line in lines
        ]


@dataclass
class Memory:
    """The stored events. `fails`: how many of the next calls find no store; `refuses`: ids that it cannot store."""

    events: list[Event] = field(default_factory=list)
    fails: int = 0

    async def submit(self, events: Sequence[Event]) -> list[bool]:
        if self.fails > 0:
            self.fails -= 1
            raise StoreUnavailable("disk full")
        self.events += events
        return [True for _ in events]
