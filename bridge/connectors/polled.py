"""The hook part of a product without webhooks: sweeps find every change."""

from collections.abc import Sequence
from typing import NoReturn

from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.errors import BadCallback, Rejected


class Polled:
    """The half of the seam that is about hooks and callbacks. No hook is ever wanted, and no callback is true."""

    def __init__(self, system: str) -> None:
        self._system = system

    def hooks_for(self, entities: frozenset[str]) -> Sequence[HookSpec]:
        return []

    def hooks(self) -> Sequence[SeenHook]:
        """There are no hooks, and never will be."""
        return []

    def create_hook(self) -> NoReturn:
        raise Rejected(self._system, "this product has no webhooks")

    def refuse(self) -> NoReturn:
        """A callback here does not come from the product."""
        raise BadCallback("this product sends no callbacks")
