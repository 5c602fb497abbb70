"""A situation: all that is known about one claim at one moment. A decision is a function of it and of nothing else."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.catalog import EntityManifest
from bridge.domain.record import Side
from bridge.mapping.model import Mapping
from bridge.store.model import Claim, Scope
from bridge.store.questions import Question
from bridge.sync.parts import Limits


@dataclass(frozen=True, slots=True)
class Situation:
    """`facts`: the answers so far, by what was asked. `now`: epoch seconds. `chance`: 0 to 1, drawn once for the claim.

    `manifests`: what each side's system can do. `scopes`: all mappings that run, for the records that this one names.
    """

    claim: Claim
    mapping: Mapping
    manifests: MappingOf[Side, EntityManifest]
    scopes: MappingOf[str, Scope]
    limits: Limits
    now: float
    chance: float = 0.5
    facts: MappingOf[Question[Any], Any] = field(default_factory=dict)


class Wanted(Exception):
    """A decision cannot be made before these are answered. Raised by `Draft.ask` only, caught by `load` only."""

    def __init__(self, needs: tuple[Question[Any], ...]) -> None:
        super().__init__("something must be looked at first")
        self.needs = needs
