"""What a product without webhooks says where hooks are asked for: sweeps bring every change."""

from collections.abc import Sequence

from bridge.domain.callback import Callback, HookSecret, HookSpec, SeenHook
from bridge.domain.errors import BadCallback, Rejected
from bridge.domain.event import Event


class Polled:
    """The half of the seam that is about hooks and callbacks. No hook is ever wanted, and no callback is true."""

    system: str

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return []

    async def list_hooks(self) -> Sequence[SeenHook] | None:
        """There are none, and never will be."""
        return []

    async def create_hook(self, spec: HookSpec, url: str, secret: HookSecret, name: str) -> SeenHook:
        raise Rejected(self.system, "this product has no webhooks")

    async def remove_hook(self, hook_id: str) -> None:
        """Removing what is not there is no error."""

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        raise BadCallback("this product sends no callbacks")

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        raise BadCallback("this product sends no callbacks")

    def decode(self, callback: Callback) -> Sequence[Event]:
        return []
