"""Finds what mappings want to do in a system whose options do not allow it, such as creating logins."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf

from pydantic import BaseModel

from bridge.connectors.registry import CONNECTORS, OPTIONS
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.record import SIDES, Side
from bridge.mapping.model import DeletePolicy, Mapping
from bridge.settings.load import validate_options
from bridge.settings.model import Settings

_POLICIES = {DeletePolicy.DELETE: "deletes", DeletePolicy.ARCHIVE: "archives"}


def switch_problems(settings: Settings, mappings: Iterable[Mapping]) -> list[Problem]:
    """Return a problem for each. Return none if the options themselves are faulty, because that is reported
    elsewhere."""
    try:
        options = validate_options(settings, OPTIONS)
    except ConfigError:
        return []
    return [problem for mapping in mappings for side in SIDES for problem in _of(settings, options, mapping, side)]


def _of(settings: Settings, options: MappingOf[str, BaseModel], mapping: Mapping, side: Side) -> Iterator[Problem]:
    which = mapping.side(side)
    system, kind = settings.sides.get(which.name), CONNECTORS.get(which.product)
    if system is None or kind is None or settings.systems[system].connector != kind.product:
        return
    for (entity, ability), option in kind.switches.items():
        if entity == which.entity and ability in _wanted(mapping, side) and not getattr(options[system], option):
            what = f"mapping {mapping.name} {ability} {kind.product} {entity} records, which {system} does not allow"
            remedy = f"set `{option}: true` below systems.{system}.options, or {_instead(mapping, side, ability)}"
            yield Problem(str(mapping.place), what, remedy)


def _wanted(mapping: Mapping, side: Side) -> frozenset[str]:
    found = {"creates"} if side in mapping.creates else set()
    policy = mapping.deleted[side.other]
    if side in mapping.writes and policy in _POLICIES:
        found.add(_POLICIES[policy])
    return frozenset(found)


def _instead(mapping: Mapping, side: Side, ability: str) -> str:
    other = mapping.side(side.other).name
    if ability != "creates":
        return f"write deleted: {{{other}: unlink}}"
    return f"write creates: [{other}]" if side.other in mapping.writes else "write creates: []"
