"""Makes what the parts need from settings and mapping files: scopes, routes, entities per system."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf
from pathlib import Path

from pydantic import BaseModel

from bridge.app.alerting import missing_extras
from bridge.app.functions import load_functions
from bridge.connectors.registry import CONNECTORS, MANIFESTS, OPTIONS
from bridge.domain.catalog import EntityManifest
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass, replace
from bridge.domain.guess import Guess, did_you_mean
from bridge.domain.record import SIDES, Side
from bridge.mapping.check import check
from bridge.mapping.functions import UNKNOWN_FUNCTION
from bridge.mapping.load import Loaded, mistakes, read_mappings
from bridge.mapping.model import DeletePolicy, Mapping, MappingSide
from bridge.settings.load import load_settings, settings_problems, validate_options
from bridge.settings.model import Settings
from bridge.settings.parts import mapping_files
from bridge.store.model import Endpoint, Mode, Quiet, Route, Routes, Scope
from bridge.sync.reasons import Reason


@dataclass(frozen=True, slots=True)
class Plan:
    """What this instance keeps in sync. `entities`: by system, those that a mapping names; `sources`: those whose edits
    a mapping carries to the other side, so their changes must be reported."""

    mappings: MappingOf[str, Mapping]
    scopes: MappingOf[str, Scope]
    routes: Routes
    entities: MappingOf[str, frozenset[str]]
    sources: MappingOf[str, frozenset[str]]


def checked(path: Path, environ: MappingOf[str, str]) -> tuple[Settings, Plan]:
    """Return settings and plan of a settings file. Raises ConfigError with the problems of settings, options, functions
    and mapping files together, each mistake once."""
    problems = settings_problems(path, environ, OPTIONS)
    if not problems:
        settings = load_settings(path, environ)
        if missing := missing_extras(settings):
            raise ConfigError(missing)
        return settings, make_plan(settings)
    try:
        files = mapping_files(path, environ)
    except ConfigError:
        raise ConfigError(problems) from None  # `problems` has it already
    try:
        bound = load_settings(path, environ)
    except ConfigError:
        bound = None
    if any(isinstance(problem.remedy, Guess) and problem.remedy.near == "mappings_dir" for problem in problems):
        raise ConfigError(problems)  # the key is misspelt, so the folder of the files is not known
    raise ConfigError([*problems, *_found(*files, bound)[1]])


def checked_plan(settings: Settings) -> Plan:
    """Return the plan, after a check of each system's options. Raises ConfigError with the problems of both."""
    problems: list[Problem] = []
    try:
        validate_options(settings, OPTIONS)
    except ConfigError as error:
        problems += error.problems
    loaded, more = _found(settings.mappings_dir, settings.functions_file, settings)
    if problems or more:
        raise ConfigError([*problems, *more])
    return _plan(settings, loaded)


def make_plan(settings: Settings) -> Plan:
    """Load, check and bind the mapping files. Raises ConfigError with every problem."""
    loaded, problems = _found(settings.mappings_dir, settings.functions_file, settings)
    if problems:
        raise ConfigError(problems)
    return _plan(settings, loaded)


def checked_files(folder: Path, functions_file: Path | None) -> tuple[Mapping, ...]:
    """Return the mappings of a folder, without binding them to systems. Raises ConfigError with every problem."""
    loaded, problems = _found(folder, functions_file, None)
    if problems:
        raise ConfigError(problems)
    return loaded


def _found(
    folder: Path, functions_file: Path | None, settings: Settings | None
) -> tuple[tuple[Mapping, ...], list[Problem]]:
    """Return the mappings that can be compiled, and all problems of the files. A problem that only follows from another
    one is left out. Without settings, bindings are not checked."""
    try:
        functions, problems = load_functions(functions_file), list[Problem]()
    except ConfigError as error:
        functions, problems = {}, list(error.problems)
    read = read_mappings(folder, functions)
    wrong_places = {problem.where for problem in read.problems}
    found = check(read.mappings, MANIFESTS, systems=settings.sides if settings else {}, incomplete=read.incomplete)
    if settings is not None:
        found += [
            *_binding_problems(settings, read),
            *switch_problems(settings, read.mappings),
            *_hook_problems(settings),
        ]
    if problems:  # if the file of functions cannot be used, its functions are not reported as unknown
        read = replace(read, problems=tuple(one for one in read.problems if one.code != UNKNOWN_FUNCTION))
    own = [problem for problem in found if problem.where not in wrong_places]
    return read.mappings, [*problems, *mistakes([*read.problems, *own], read.documents)]


def _plan(settings: Settings, loaded: tuple[Mapping, ...]) -> Plan:
    mappings = {mapping.name: mapping for mapping in loaded}
    scopes = {name: _scope(settings, mapping) for name, mapping in mappings.items()}
    sources = {(name, side.other) for name, mapping in mappings.items() for side in mapping.writes}
    everything = {(name, side) for name in mappings for side in SIDES}
    return Plan(mappings, scopes, _routes(scopes, mappings), _entities(scopes, everything), _entities(scopes, sources))


def _binding_problems(settings: Settings, read: Loaded) -> list[Problem]:
    problems = []
    for mapping in read.mappings:
        for side in (mapping.left, mapping.right):
            problem = _side_problem(settings, mapping, side)
            if problem:
                problems.append(problem)
    for name in settings.mappings:
        if read.names is not None and name not in read.names:
            what = "no mapping file has this name"
            problems.append(settings.places.problem(("mappings", name), what, did_you_mean(name, read.names)))
    return problems


def _hook_problems(settings: Settings) -> list[Problem]:
    problems = []
    for name, system in settings.systems.items():
        known = CONNECTORS[system.connector].hook_keys if system.connector in CONNECTORS else frozenset[str]()
        for number, key in enumerate(system.hooks_off):
            if system.connector in CONNECTORS and key not in known:
                where = ("systems", name, "hooks_off", str(number))
                problems.append(settings.places.problem(where, f"{name} has no hook `{key}`", did_you_mean(key, known)))
    return problems


def _side_problem(settings: Settings, mapping: Mapping, side: MappingSide) -> Problem | None:
    where = str(mapping.place)
    system = settings.sides.get(side.name)
    if system is None:
        remedy = (
            f"bind it below `sides:` in the settings, or correct its name; {did_you_mean(side.name, settings.sides)}"
        )
        return Problem(where, f"side `{side.name}` is bound to no system", remedy)
    product = settings.systems[system].connector
    if product != side.product and product in CONNECTORS and side.product in CONNECTORS:
        what = f"side `{side.name}` is {side.product} here, but the settings bind it to {system}, which is {product}"
        return Problem(where, what, "correct `sides:` in the settings or `sides:` in the mapping file")
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
        refers=any(field.refers for field in mapping.fields),
    )


def _endpoint(settings: Settings, side: MappingSide) -> Endpoint:
    manifest: EntityManifest = CONNECTORS[side.product].manifest.entities[side.entity]
    versioned = manifest.version_resolution is not None
    return Endpoint(settings.sides[side.name], side.entity, manifest.read_lag, versioned, side.name)


def quiet_of(mapping: Mapping) -> Quiet | None:
    """Return how long an edit waits for the next one, with the reason that is shown; None: it crosses at once."""
    if not mapping.quiet:
        return None
    why = Reason.QUIET.of(record="the record", seconds=mapping.quiet)
    return Quiet(mapping.quiet, why.code.value, why.text)


def _routes(scopes: MappingOf[str, Scope], mappings: MappingOf[str, Mapping]) -> Routes:
    routes: dict[tuple[str, str], list[Route]] = defaultdict(list)
    for name, scope in sorted(scopes.items()):
        for side in SIDES:
            endpoint = scope.endpoint(side)
            routes[endpoint.system, endpoint.entity].append(Route(name, side, endpoint, quiet_of(mappings[name])))
    return {key: tuple(found) for key, found in routes.items()}


def _entities(scopes: MappingOf[str, Scope], ends: Iterable[tuple[str, Side]]) -> dict[str, frozenset[str]]:
    entities: dict[str, set[str]] = defaultdict(set)
    for name, side in ends:
        endpoint = scopes[name].endpoint(side)
        entities[endpoint.system].add(endpoint.entity)
    return {system: frozenset(names) for system, names in entities.items()}


# ---- What mappings want to do in a system whose options do not allow it, such as creating logins ----


_POLICIES = {DeletePolicy.DELETE: "deletes", DeletePolicy.ARCHIVE: "archives"}


def switch_problems(settings: Settings, mappings: Iterable[Mapping]) -> list[Problem]:
    """Return a problem for each. Return none if the options themselves are faulty, because that is reported
    elsewhere."""
    try:
        options = validate_options(settings, OPTIONS)
    except ConfigError:
        return []
    return [
        problem for mapping in mappings for side in SIDES for problem in _not_allowed(settings, options, mapping, side)
    ]


def _not_allowed(
    settings: Settings, options: MappingOf[str, BaseModel], mapping: Mapping, side: Side
) -> Iterator[Problem]:
    which = mapping.side(side)
    system, kind = settings.sides.get(which.name), CONNECTORS.get(which.product)
    if system is None or kind is None or settings.systems[system].connector != kind.product:
        return
    for (entity, ability), option in kind.switches.items():
        if entity == which.entity and ability in _abilities(mapping, side) and not getattr(options[system], option):
            what = f"mapping {mapping.name} {ability} {kind.product} {entity} records, which {system} does not allow"
            remedy = f"set `{option}: true` below systems.{system}.options, or {_instead(mapping, side, ability)}"
            yield Problem(str(mapping.place), what, remedy)


def _abilities(mapping: Mapping, side: Side) -> frozenset[str]:
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
