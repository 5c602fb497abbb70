"""The hooks part of a product without webhooks. Sweeps find every change."""

from collections.abc import Sequence
from typing import NoReturn

from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.errors import BadCallback, Rejected


class Polled:
    """The hook and callback methods of a connector. It needs no hook and rejects every callback."""

    def __init__(self, system: str) -> None:
        self._system = system

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return []

    def hooks(self) -> Sequence[SeenHook]:
        """The product has no hooks."""
        return []

    def create_hook(self) -> NoReturn:
        raise Rejected(self._system, "this product has no webhooks")

    def refuse(self) -> NoReturn:
        """Raises BadCallback, because a callback here does not come from the product."""
        raise BadCallback("this product sends no callbacks")
