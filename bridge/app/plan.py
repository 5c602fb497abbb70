"""From settings and mapping files to what the parts need: scopes, routes, entities per system."""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from bridge.app.functions import load_functions
from bridge.app.switches import switch_faults
from bridge.connectors.registry import CONNECTORS
from bridge.domain.catalog import EntityManifest
from bridge.domain.errors import ConfigError, Fault
from bridge.domain.record import Side
from bridge.mapping.check import check
from bridge.mapping.load import load_mappings
from bridge.mapping.model import Mapping, MappingSide
from bridge.settings.load import validate_options
from bridge.settings.model import Settings
from bridge.store.model import Endpoint, Mode, Route, Routes, Scope


@dataclass(frozen=True, slots=True)
class Plan:
    """What this instance keeps in step. `entities`: per system, those some mapping names; `sources`: those whose
    edits some mapping carries across, so that their changes must be heard of."""

    mappings: MappingOf[str, Mapping]
    scopes: MappingOf[str, Scope]
    routes: Routes
    entities: MappingOf[str, frozenset[str]]
    sources: MappingOf[str, frozenset[str]]


def checked_plan(settings: Settings) -> Plan:
    """The plan, with each system's options checked as well. Raises ConfigError with the faults of both at once."""
    faults: list[Fault] = []
    try:
        validate_options(settings, {name: kind.options for name, kind in CONNECTORS.items()})
    except ConfigError as error:
        faults += error.faults
    try:
        plan = make_plan(settings)
    except ConfigError as error:
        raise ConfigError([*faults, *error.faults]) from None
    if faults:
        raise ConfigError(faults)
    return plan


def make_plan(settings: Settings) -> Plan:
    """Load, check and bind the mapping files. Raises ConfigError with every fault."""
    loaded = load_mappings(settings.mappings_dir, load_functions(settings.functions_file))
    manifests = {name: kind.manifest for name, kind in CONNECTORS.items()}
    faults = [*check(loaded, manifests, systems=settings.sides), *_binding_faults(settings, loaded)]
    faults += switch_faults(settings, loaded)
    if faults:
        raise ConfigError(faults)
    mappings = {mapping.name: mapping for mapping in loaded}
    scopes = {name: _scope(settings, mapping) for name, mapping in mappings.items()}
    sources = {(name, side.other) for name, mapping in mappings.items() for side in mapping.writes}
    everything = {(name, side) for name in mappings for side in Side}
    return Plan(mappings, scopes, _routes(scopes), _entities(scopes, everything), _entities(scopes, sources))


def _binding_faults(settings: Settings, mappings: tuple[Mapping, ...]) -> list[Fault]:
    faults = []
    for mapping in mappings:
        for side in (mapping.left, mapping.right):
            fault = _side_fault(settings, mapping, side)
            if fault:
                faults.append(fault)
    known = {mapping.name for mapping in mappings}
    for name in settings.mappings:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            faults.append(Fault(f"settings: mappings.{name}", "no mapping file has this name", f"known: {names}"))
    return faults


def _side_fault(settings: Settings, mapping: Mapping, side: MappingSide) -> Fault | None:
    where = str(mapping.place)
    system = settings.sides.get(side.name)
    if system is None:
        known = ", ".join(sorted(settings.sides)) or "none"
        return Fault(where, f"side `{side.name}` is bound to no system", f"bind it below `sides:` (bound: {known})")
    product = settings.systems[system].connector
    if product != side.product:
        what = f"side `{side.name}` is {side.product} here, but the settings bind it to {system}, which is {product}"
        return Fault(where, what, "correct `sides:` in the settings or `sides:` in the mapping file")
    return None


def _scope(settings: Settings, mapping: Mapping) -> Scope:
    chosen = settings.mappings.get(mapping.name)
    mode = Mode((chosen.mode if chosen else None) or settings.default_mode)
    return Scope(
        mapping=mapping.name,
        fingerprint=mapping.fingerprint,
        match_fingerprint=mapping.match_fingerprint,
        mode=mode,
        left=_endpoint(settings, mapping.left),
        right=_endpoint(settings, mapping.right),
    )


def _endpoint(settings: Settings, side: MappingSide) -> Endpoint:
    manifest: EntityManifest = CONNECTORS[side.product].manifest.entities[side.entity]
    versioned = manifest.version_resolution is not None
    return Endpoint(settings.sides[side.name], side.entity, manifest.settle, versioned, side.name)


def _routes(scopes: MappingOf[str, Scope]) -> Routes:
    routes: dict[tuple[str, str], list[Route]] = defaultdict(list)
    for name, scope in sorted(scopes.items()):
        for side in Side:
            endpoint = scope.endpoint(side)
            routes[endpoint.system, endpoint.entity].append(Route(name, side, endpoint))
    return {key: tuple(found) for key, found in routes.items()}


def _entities(scopes: MappingOf[str, Scope], ends: Iterable[tuple[str, Side]]) -> dict[str, frozenset[str]]:
    entities: dict[str, set[str]] = defaultdict(set)
    for name, side in ends:
        endpoint = scopes[name].endpoint(side)
        entities[endpoint.system].add(endpoint.entity)
    return {system: frozenset(names) for system, names in entities.items()}
