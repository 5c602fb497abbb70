"""For `bridge check`: checks the mappings before anything runs. Pure.

Each mapping is checked against what the connectors can do, all are checked for what they must not do together, and for
`--live` they are checked against the columns that the accounts really have.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from itertools import combinations
from typing import Any

from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Manifest
from bridge.domain.errors import Problem
from bridge.domain.guess import Guess, did_you_mean
from bridge.domain.record import SIDES, Side
from bridge.mapping.check_columns import Catalog, ExtraColumns, catalog_of, check_choices, check_columns, words_of
from bridge.mapping.conditions import exclude
from bridge.mapping.model import DeletePolicy, Field, Leftover, Mapping, MappingSide, SideColumns
from bridge.mapping.round_trip import failed_round_trips
from bridge.mapping.tables import ANY
from bridge.mapping.values import LEAVE


def check(
    mappings: Iterable[Mapping],
    manifests: MappingOf[str, Manifest],
    extra_columns: ExtraColumns | None = None,
    systems: MappingOf[str, str] | None = None,
    incomplete: Collection[str] = (),
) -> list[Problem]:
    """Return all problems, in file order; none if the mappings can run. `systems`: the account of each side.

    `incomplete`: mappings with a part that could not be compiled. Problems that may follow from that are left out.
    """
    mappings = tuple(mappings)
    problems: list[Problem] = []
    sound = tuple(one for one in mappings if one.name not in incomplete and _is_known(one, manifests))
    misspelt: set[str] = set()
    for mapping in mappings:
        before = len(problems)
        problems += [Problem(str(place), what, remedy) for place, what, remedy in mapping.refused]
        catalogs = [catalog_of(mapping, side, manifests, extra_columns) for side in SIDES]
        for side, catalog in zip(Side, catalogs, strict=True):
            if catalog is None:
                problems.append(_unknown(mapping, side, manifests))
                continue
            problems += _abilities(mapping, side, catalog.entity)
            problems += check_columns(mapping, catalog, sound)
        if mapping.name not in incomplete:
            problems += check_choices(mapping, catalogs)
            problems += failed_round_trips(mapping)
        if any(isinstance(problem.remedy, Guess) for problem in problems[before:]):
            misspelt.add(mapping.name)
    return problems + check_together(tuple(one for one in sound if one.name not in misspelt), systems or {})


def _is_known(mapping: Mapping, manifests: MappingOf[str, Manifest]) -> bool:
    """Return whether both sides name an entity that exists."""
    sides = [mapping.side(side) for side in SIDES]
    return all(side.product in manifests and side.entity in manifests[side.product].entities for side in sides)


def _unknown(mapping: Mapping, side: Side, manifests: MappingOf[str, Manifest]) -> Problem:
    which = mapping.side(side)
    at = str(mapping.at(f"sides.{side.value}"))
    if which.product not in manifests:
        what = f"mapping {mapping.name}: there is no product called `{which.product}`"
        return Problem(at, what, did_you_mean(which.product, list(manifests)))
    what = f"mapping {mapping.name}: {which.product} has no entity `{which.entity}`"
    return Problem(at, what, did_you_mean(which.entity, list(manifests[which.product].entities)))


def _abilities(mapping: Mapping, side: Side, entity: EntityManifest) -> Iterable[Problem]:
    """Yield problems for what the mapping does on this side and the connector cannot do."""
    which = mapping.side(side)
    name = f"{which.product} {which.entity}"
    at, policy = str(mapping.at(f"deleted.{side.other.value}")), mapping.deleted[side.other]
    other = mapping.side(side.other).name
    if side in mapping.creates and not entity.creates:
        remedy = f"write creates: [{other}]" if side.other in mapping.writes else "write creates: []"
        yield Problem(str(mapping.at("creates")), f"mapping {mapping.name}: {name} records cannot be created", remedy)
    if side in mapping.writes and not entity.updates:
        what = f"mapping {mapping.name}: {name} records cannot be changed"
        yield Problem(str(mapping.at("direction")), what, f"write direction: {which.name} -> {other}")
    if side in mapping.writes and policy is DeletePolicy.DELETE and not entity.deletes:
        remedy = f"write deleted: {{{other}: unlink}}"
        yield Problem(at, f"mapping {mapping.name}: {name} records cannot be deleted", remedy)
    if side in mapping.writes and policy is DeletePolicy.ARCHIVE and not entity.archives:
        remedy = f"write deleted: {{{other}: unlink}}"
        yield Problem(at, f"mapping {mapping.name}: {name} records cannot be archived", remedy)
    merged, where = mapping.merged[side.other], str(mapping.at(f"merged.{side.other.value}"))
    if "merged" in mapping.places and f"merged.{side.other.value}" not in mapping.places:
        where = str(mapping.at("merged"))
    if merged is Leftover.ARCHIVE and (side not in mapping.writes or not entity.archives):
        why = f"{name} records cannot be archived" if side in mapping.writes else f"it only reads {which.name}"
        yield Problem(where, f"mapping {mapping.name}: {why}", f"write merged: {{{other}: report}}")
    if side not in mapping.writes and policy in (DeletePolicy.DELETE, DeletePolicy.ARCHIVE):
        remedy = f"write deleted: {{{other}: unlink}}"
        yield Problem(at, f"mapping {mapping.name} only reads {which.name} and may not {policy} there", remedy)


# ---- What several mappings must not do together ----


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


# ---- `bridge check --live`: against the columns that the accounts really have ----


def check_live(
    mappings: Iterable[Mapping],
    manifests: MappingOf[str, Manifest],
    live: ExtraColumns,
    systems: MappingOf[str, str] | None = None,
) -> list[Problem]:
    """Return what `check` finds with the accounts' own columns, and what only an account can show.

    `live`: what each account reported, by (side's name, entity): custom fields, options, lengths, read-only, required.
    """
    mappings = tuple(mappings)
    problems = check(mappings, manifests, live, systems)
    for mapping in mappings:
        catalogs = {side: catalog_of(mapping, side, manifests, live) for side in SIDES}
        for row in mapping.fields:
            problems += _unlisted(mapping, row, catalogs)
            problems += _lengths(row, catalogs)
    return problems


def account_problems(
    mapping: Mapping, mappings: tuple[Mapping, ...], manifests: MappingOf[str, Manifest], live: ExtraColumns
) -> list[Problem]:
    """Return problems for columns, options and stages that the accounts lack. The mapping has passed `check` before."""
    catalogs = {side: catalog_of(mapping, side, manifests, live) for side in SIDES}
    problems = [
        problem for one in catalogs.values() if one is not None for problem in check_columns(mapping, one, mappings)
    ]
    for row in mapping.fields:
        problems += _unlisted(mapping, row, catalogs)
    return problems


def _unlisted(mapping: Mapping, row: Field, catalogs: MappingOf[Side, Catalog | None]) -> Iterator[Problem]:
    """Yield problems for options that a record may show and that no line of the field rule's table names."""
    if row.set_on is not None or "otherwise" in row.source or row.source.get("unlisted", "reject") != "reject":
        return
    for side in SIDES:
        catalog, columns = catalogs[side], row.columns_of(side)
        if catalog is None or columns is None or side.other not in row.flows:
            continue
        for at, path in enumerate(columns.paths):
            spec = catalog.spec(path)
            listed = _listed(row, columns, catalog, at)
            missing = [] if spec is None or listed is None else [word for word in spec.choices if word not in listed]
            if missing:
                told = ", ".join(f"`{word}`" for word in missing[:5]) + (", ..." if len(missing) > 5 else "")
                what = f"field rule {row.name} of {mapping.name}: its table lacks {told}, which `{path.text}` of"
                remedy = "add a line for each, or write unlisted: skip"
                yield Problem(str(columns.places[at]), f"{what} {catalog.name} offers", remedy)


def _listed(row: Field, columns: SideColumns, catalog: Catalog, at: int) -> set[str] | None:
    """Return the words that the field rule knows in that column; None if it accepts any."""
    if columns.via or (row.table is None and not row.lines):
        return None
    if row.lines and any(columns.render(line)[at] is LEAVE for line in row.lines):
        return None
    return set(words_of(row, catalog.role, columns.paths[at].text, catalog.side, at)) - {ANY}


def _lengths(row: Field, catalogs: MappingOf[Side, Catalog | None]) -> Iterator[Problem]:
    """Yield problems for columns that hold shorter text than the other side: they would refuse or cut it."""
    for target in (side for side in SIDES if side in row.flows):
        here, there = catalogs[target], catalogs[target.other]
        limit, offered = _length(row, here, target), _length(row, there, target.other)
        if here is None or limit is None:
            continue
        columns = row.columns_of(target)
        assert columns is not None
        words = words_of(row, here.role, columns.paths[0].text, target, 0)
        long = [word for word in words if len(word) > limit]
        if long:
            what = (
                f"field rule {row.name}: `{columns.names[0]}` of {here.name} takes {limit} characters, `{long[0]}` has"
            )
            yield Problem(str(columns.places[0]), f"{what} {len(long[0])}", "shorten it")
        elif not words and not row.lossy and not _cuts(columns, limit) and offered is not None and offered > limit:
            column = f"`{columns.names[0]}` of {here.name}"
            what = f"field rule {row.name}: {column} takes {limit} characters, the other side"
            cut = f"{here.role}: {{column: {columns.names[0]}, via: {{cut: {limit}}}}}"
            yield Problem(
                str(columns.places[0]),
                f"{what} {offered}",
                f"write {cut} and lossy: true, or lossy: true if that never happens",
            )


def _length(row: Field, catalog: Catalog | None, side: Side) -> int | None:
    """Return the longest text of the rule's only column on that side; None if it is not known, or not text."""
    columns = row.columns_of(side)
    if (
        catalog is None
        or columns is None
        or len(columns.paths) != 1
        or row.type not in ("text", "choice", "user", "email")
    ):
        return None
    spec: ColumnSpec | None = catalog.spec(columns.paths[0])
    return spec.max_length if spec is not None and spec.type is Column.TEXT else None


def _cuts(columns: SideColumns, limit: int) -> bool:
    return any(text.startswith("cut: ") and int(text.removeprefix("cut: ")) <= limit for text in columns.via)
