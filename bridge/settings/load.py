"""Loads settings from file and environment. All problems are reported at once, each with its place and a remedy."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from bridge.domain.errors import ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.settings.environment import FromEnvironment, overlay
from bridge.settings.model import Settings, SystemSettings, binding_problems
from bridge.settings.parts import absolute_path, absolute_url, has_literal_password
from bridge.settings.problems import LITERAL_SECRET, SECRET_REMEDY, Places, in_order
from bridge.settings.read import Named, Written, read_file
from bridge.settings.secrecy import holds_secret
from bridge.settings.validation import validated

INSTANCE_SECRETS = ("instance_secret", "instance_secret_former")
Models = Mapping[str, type[BaseModel]]


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the YAML file, overridden by BRIDGE_ variables. Raises ConfigError with all problems."""
    settings, problems, _ = _read(path, environ)
    if settings is None or problems:
        raise ConfigError(in_order(problems))
    return settings


def settings_problems(path: Path, environ: Mapping[str, str], models: Models) -> list[Problem]:
    """Return every problem of the settings and, by `models`, of the systems' options. No key is reported twice."""
    _, problems, written = _read(path, environ)
    told = frozenset(problem.where for problem in problems)
    systems = _closed_systems(written.values.get("systems"))
    _, more = _options(systems, written.places, models, told)
    return in_order([*problems, *more])


def validate_options(settings: Settings, models: Models) -> dict[str, BaseModel]:
    """Return each system's options as its product's model, by system. Raises ConfigError with all problems."""
    systems = {name: (system.connector, system.options) for name, system in settings.systems.items()}
    checked, problems = _options(systems, settings.places, models, frozenset())
    if problems:
        raise ConfigError(in_order(problems))
    return checked


def _read(path: Path, environ: Mapping[str, str]) -> tuple[Settings | None, list[Problem], Written]:
    written = read_file(path, environ)
    overlay(written, environ)
    bindings = _bindings(written)
    problems = [*written.problems, *_literal_secrets(written), *bindings]
    told = frozenset({problem.where for problem in problems} | ({str(path)} if bindings else set()))
    settings, found = validated(Settings, _without_options(_open(written.values)), written.places, told=told)
    problems += [problem for problem in found if problem.where not in told]
    if settings is None:
        return None, problems, written
    systems = {
        name: system.model_copy(update={"options": options}) for name, system, options in _given(settings, written)
    }
    settings = settings.model_copy(update={"systems": systems})
    return _relative_to(path, settings).written_at(written.places), problems, written


def _given(settings: Settings, written: Written) -> Iterator[tuple[str, SystemSettings, Mapping[str, Any]]]:
    """Yield each system with its options as they were given, secrets closed."""
    given = _closed_systems(written.values.get("systems"))
    for name, system in settings.systems.items():
        yield name, system, given[name][1]


def _without_options(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values without the options of systems, because the model of the product checks these."""
    systems = values.get("systems")
    if not isinstance(systems, dict):
        return values
    bare = {
        name: {key: {} if key == "options" and isinstance(value, dict) else value for key, value in system.items()}
        if isinstance(system, dict)
        else system
        for name, system in systems.items()
    }
    return {**values, "systems": bare}


def _closed_systems(systems: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return connector and options of each system that has the form of one."""
    found = {}
    for name, system in systems.items() if isinstance(systems, dict) else ():
        closed = _closed_options(system)
        options = closed.get("options") or {} if isinstance(closed, dict) else None
        if isinstance(options, dict) and isinstance(closed.get("connector"), str):
            found[name] = (str(closed["connector"]), options)
    return found


def _options(
    systems: Mapping[str, tuple[str, dict[str, Any]]], places: Places, models: Models, told: frozenset[str]
) -> tuple[dict[str, BaseModel], list[Problem]]:
    checked: dict[str, BaseModel] = {}
    problems: list[Problem] = []
    for name, (connector, given) in systems.items():
        model = models.get(connector)
        if model is None:
            what, remedy = f"no product is called `{connector}`", did_you_mean(connector, models)
            problems.append(places.problem(("systems", name, "connector"), what, remedy))
            continue
        at = ("systems", name, "options")
        literal = [key for key, value in given.items() if _is_literal(value) and _is_secret(model, key)]
        secret = [places.problem((*at, key), LITERAL_SECRET, SECRET_REMEDY) for key in literal]
        options = {key: _for_field(model, key, value) for key, value in given.items()}
        known = told | {problem.where for problem in secret}
        made, found = validated(model, options, places, at, known)
        problems += [problem for problem in [*secret, *found] if problem.where not in told]
        if made is not None:
            checked[name] = made
    return checked, list(dict.fromkeys(problems))


def _open(values: dict[str, Any]) -> dict[str, Any]:
    """Open {file: ...} and {env: ...}, which may stand for any value. Instance secrets stay closed, and so do options,
    until a product's model says which of them are secret."""
    opened = {}
    for key, value in values.items():
        if key == "systems" and isinstance(value, dict):
            opened[key] = {name: _closed_options(system) for name, system in value.items()}
        else:
            opened[key] = value if key in INSTANCE_SECRETS else _opened(value)
    return opened


def _closed_options(system: Any) -> Any:
    if not isinstance(system, dict):
        return system
    return {key: _closed(value) if key == "options" else _opened(value) for key, value in system.items()}


def _opened(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Named):
        return str(value)
    if isinstance(value, dict):
        return {key: _opened(inner) for key, inner in value.items()}
    return [_opened(inner) for inner in value] if isinstance(value, list) else value


def _closed(value: Any) -> Any:
    """Close values from a variable or a file, because they may be secrets."""
    if isinstance(value, FromEnvironment | Named):
        return SecretStr(value)
    if isinstance(value, dict):
        return {key: _closed(inner) for key, inner in value.items()}
    return [_closed(inner) for inner in value] if isinstance(value, list) else value


def _for_field(model: type[BaseModel], key: str, value: Any) -> Any:
    """Open an option that is not a secret. It may come from a file or a variable as well."""
    return value if _is_secret(model, key) else _opened(value)


def _is_secret(model: type[BaseModel], key: str) -> bool:
    return key in model.model_fields and holds_secret(model.model_fields[key].annotation)


def _is_literal(value: Any) -> bool:
    return value is not None and not isinstance(value, SecretStr | FromEnvironment | Named)


def _literal_secrets(written: Written) -> list[Problem]:
    problems = []
    for key in INSTANCE_SECRETS:
        if _is_literal(written.values.get(key)):
            problems.append(written.places.problem((key,), LITERAL_SECRET, SECRET_REMEDY))
    for index, token in enumerate(_listed(written.values.get("admin"), "tokens")):
        if isinstance(token, dict) and _is_literal(token.get("secret")):
            place = ("admin", "tokens", str(index), "secret")
            problems.append(written.places.problem(place, LITERAL_SECRET, SECRET_REMEDY))
    for index, target in enumerate(_listed(written.values.get("alerts"), "targets")):
        if isinstance(target, dict) and _is_literal(target.get("url")):
            place = ("alerts", "targets", str(index), "url")
            problems.append(written.places.problem(place, LITERAL_SECRET, SECRET_REMEDY))
    traces = written.values.get("traces")
    if isinstance(traces, dict) and _is_literal(traces.get("authorization")):
        problems.append(written.places.problem(("traces", "authorization"), LITERAL_SECRET, SECRET_REMEDY))
    store = written.values.get("store")
    url = store.get("url") if isinstance(store, dict) else None
    if has_literal_password(url):
        problems.append(written.places.problem(("store", "url"), LITERAL_SECRET, SECRET_REMEDY))
    return problems


def _listed(section: Any, key: str) -> list[Any]:
    found = section.get(key) if isinstance(section, dict) else None
    return found if isinstance(found, list) else []


def _bindings(written: Written) -> list[Problem]:
    """Return problems of sides and systems. They are found before the model is built, so that others do not hide
    them."""
    systems, sides = written.values.get("systems"), written.values.get("sides")
    if not isinstance(systems, dict) or not isinstance(sides, dict):
        return []
    named = {side: system for side, system in sides.items() if isinstance(system, str)}
    return [written.places.problem(("sides", side), *told) for side, *told in binding_problems(systems, named)]


def _relative_to(path: Path, settings: Settings) -> Settings:
    """Return the settings with relative paths resolved from the folder of the settings file."""
    store = settings.store.model_copy(update={"url": absolute_url(path, settings.store.url)})
    functions = settings.functions_file
    update = {
        "mappings_dir": absolute_path(path, settings.mappings_dir),
        "functions_file": None if functions is None else absolute_path(path, functions),
        "store": store,
    }
    return settings.model_copy(update=update)
