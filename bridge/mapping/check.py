"""For `bridge check`: checks the mappings against what the connectors can do, before anything runs."""

from collections.abc import Collection, Iterable
from collections.abc import Mapping as MappingOf

from bridge.domain.catalog import EntityManifest, Manifest
from bridge.domain.errors import Problem
from bridge.domain.guess import Guess, did_you_mean
from bridge.domain.record import SIDES, Side
from bridge.mapping.check_columns import ExtraColumns, catalog_of, check_choices, check_columns
from bridge.mapping.check_together import check_together
from bridge.mapping.model import DeletePolicy, Leftover, Mapping
from bridge.mapping.round_trip import failed_round_trips


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
