"""Checks what several mappings must not do together."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from itertools import combinations
from typing import Any

from bridge.domain.errors import Problem
from bridge.domain.record import SIDES, Side
from bridge.mapping.conditions import exclude
from bridge.mapping.model import Mapping, MappingSide

_Node = tuple[str, str, str]
_Part = tuple[str, str, str, int]
Systems = MappingOf[str, str]
"""By side (`crm`) its account. A side without an account stands for itself."""


def check_together(mappings: tuple[Mapping, ...], systems: Systems) -> list[Problem]:
    """Return problems for overlaps, rings of systems, and cycles of links in which no record could be created first."""
    return [*overlaps(mappings, systems), *rings(mappings, systems), *_link_cycles(mappings)]


def overlaps(mappings: Sequence[Mapping], systems: Systems) -> Iterator[Problem]:
    """Yield problems for two mappings that may both contain a record and both write one of its columns: each would undo
    what the other writes.

    It is no problem if they lead to different accounts and one of them crosses in both directions: it passes what the
    other one wrote on to its own side, as in a chain of three systems.
    """
    for one, two in combinations(mappings, 2):
        for a in SIDES:
            for b in SIDES:
                here, there = one.side(a), two.side(b)
                if _node(systems, here) != _node(systems, there) or _apart(here, there):
                    continue
                apart = _account(systems, one.side(a.other)) != _account(systems, two.side(b.other))
                for column in sorted(_written(one, a, apart) & _written(two, b, apart)):
                    what = f"mappings {one.name} and {two.name} both write `{column}` of {here.product} {here.entity}"
                    remedy = "add a where to each so that no record is in both, or write the column in one of them only"
                    yield Problem(str(two.place), what, remedy)


def _node(systems: Systems, side: MappingSide) -> _Node:
    return (systems.get(side.name, side.name), side.product, side.entity)


def _account(systems: Systems, side: MappingSide) -> tuple[str, str]:
    return _node(systems, side)[:2]


def _apart(one: MappingSide, two: MappingSide) -> bool:
    return exclude(one.where, two.where)


def _written(mapping: Mapping, side: Side, one_way: bool) -> set[str]:
    """Return the columns that the mapping writes there. `one_way`: only those that do not cross back."""
    found: set[str] = set()
    for row in mapping.fields:
        if side in row.flows and row.set_on != "create" and not (one_way and side.other in row.flows):
            found.update(row.column_names(side))
    return found


def rings(mappings: Sequence[Mapping], systems: Systems) -> list[Problem]:
    """Return a problem for a ring of systems: a value that crosses through two other systems back would never rest.

    Records of one entity that `where` separates are different: people and companies may share an entity in two systems
    without a ring.
    """
    edges: dict[_Part, set[_Part]] = {}
    places: dict[_Part, Mapping] = {}
    parts = _parts(mappings, systems)
    for mapping in mappings:
        for target in mapping.writes:
            start, end = parts[mapping.name, target.other], parts[mapping.name, target]
            edges.setdefault(start, set()).add(end)
            places.setdefault(start, mapping)
    ring = _cycle(edges, shortest=3)
    if ring:
        names = " -> ".join(f"{role} {entity}" for role, _, entity, _ in (*ring, ring[0]))
        remedy = "make one of these mappings one-way, or remove it"
        return [Problem(str(places[ring[0]].place), f"changes would run in a circle: {names}", remedy)]
    return []


def _parts(mappings: Sequence[Mapping], systems: Systems) -> MappingOf[tuple[str, Side], _Part]:
    """Return a graph node for each mapping and side. Sides whose records may be the same, by `where`, share a node."""
    groups: dict[_Node, list[list[tuple[str, Side]]]] = {}
    by_name = {mapping.name: mapping for mapping in mappings}
    for mapping in mappings:
        for side in SIDES:
            here = mapping.side(side)
            there = groups.setdefault(_node(systems, here), [])
            same = [group for group in there if not all(_apart(here, by_name[n].side(s)) for n, s in group)]
            joined = [(mapping.name, side), *(member for group in same for member in group)]
            there[:] = [*(group for group in there if group not in same), joined]
    return {
        member: (*node, number)
        for node, found in groups.items()
        for number, group in enumerate(found)
        for member in group
    }


def _link_cycles(mappings: tuple[Mapping, ...]) -> Iterator[Problem]:
    """Yield a problem for a cycle of links that are needed at create. Optional links are added by a later update."""
    edges: dict[str, set[str]] = {}
    for mapping in mappings:
        for row in (row for field in mapping.fields for row in field.refers):
            if row.link is not None and (row.required or row.missing == "reject"):
                edges.setdefault(mapping.name, set()).add(row.link)
    cycle = _cycle(edges, shortest=1)
    if cycle:
        place = next(mapping.place for mapping in mappings if mapping.name == cycle[0])
        names = " -> ".join((*cycle, cycle[0]))
        remedy = "write missing: blank, without required, for one of these links"
        yield Problem(str(place), f"no record could be created first: required links run in a circle ({names})", remedy)


def _cycle(edges: MappingOf[Any, set[Any]], shortest: int) -> tuple[Any, ...]:
    """Return a cycle of at least `shortest` nodes, beginning with its smallest node; () if there is none."""

    def walk(path: tuple[Any, ...]) -> tuple[Any, ...]:
        for following in sorted(edges.get(path[-1], ())):
            if following == path[0] and len(path) >= shortest:
                return path
            # Only nodes greater than the first, because each cycle is searched from its smallest node.
            if following not in path and following > path[0] and (found := walk((*path, following))):
                return found
        return ()

    return next((found for node in sorted(edges) if (found := walk((node,)))), ())
