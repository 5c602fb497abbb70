"""Reads the settings file and the environment, and reports every fault at once, each with its place and a remedy."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bridge.domain.errors import ConfigError, Fault
from bridge.settings.model import Settings

PREFIX = "BRIDGE_"
NOT_SETTINGS = frozenset({"BRIDGE_SETTINGS"})  # names the file itself
SECRET_REMEDY = "write {file: path} or {env: NAME} instead"  # noqa: S105 - words for people


class FromEnvironment(str):
    """A value a BRIDGE_ variable gave; a secret may stand there."""


Places = dict[tuple[str, ...], str]


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Settings from the YAML file at `path` with BRIDGE_ variables on top. Raises ConfigError with all faults."""
    tree = _read(path)
    places: Places = {}
    faults: list[Fault] = []
    values = _resolve(tree, (), path, environ, places, faults)
    _overlay(values, environ, places, faults)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        faults += [_fault(item, path, tree, places, Settings) for item in error.errors(include_url=False)]
        raise ConfigError(_ordered(faults)) from None
    faults += _literal_secrets(settings, tree, path)
    if faults:
        raise ConfigError(_ordered(faults))
    return _from_here(settings, path)


def validate_options(settings: Settings, models: Mapping[str, type[BaseModel]]) -> dict[str, BaseModel]:
    """Each system's options as its product's model. Raises ConfigError with all faults."""
    checked: dict[str, BaseModel] = {}
    faults: list[Fault] = []
    for name, system in settings.systems.items():
        where = f"systems.{name}"
        model = models.get(system.connector)
        if model is None:
            remedy = _meant(system.connector, models)
            faults.append(Fault(f"{where}.connector", f"no product is called `{system.connector}`", remedy))
            continue
        try:
            checked[name] = model(**system.options)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                key = ".".join([where, "options", *(str(part) for part in item["loc"])])
                faults.append(Fault(key, _what(item), _remedy(item, model)))
        faults += _plain_secrets(system.options, model, f"{where}.options")
    if faults:
        raise ConfigError(_ordered(faults))
    return checked


def _read(path: Path) -> dict[str, Any]:
    yaml = YAML(typ="rt")
    yaml.version = (1, 2)
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([Fault(str(path), "no such file", "name it with --settings or BRIDGE_SETTINGS")]) from None
    except OSError as error:
        raise ConfigError([Fault(str(path), error.strerror or "cannot be read")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Fault(str(path), "is not UTF-8 text")]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError([Fault(where, str(error.problem or "is not YAML"), "correct the YAML there")]) from None
    except YAMLError as error:
        raise ConfigError([Fault(str(path), str(error))]) from None
    if not isinstance(tree, dict):
        raise ConfigError([Fault(str(path), "must be a mapping of settings", "see config/bridge.yaml")])
    return tree


def _resolve(
    node: Any, at: tuple[str, ...], path: Path, environ: Mapping[str, str], places: Places, faults: list[Fault]
) -> Any:
    """The tree as plain values, with {file: ...} and {env: ...} replaced by the secrets they name."""
    if not isinstance(node, dict):
        return list(node) if isinstance(node, list) else node
    if len(node) == 1 and next(iter(node)) in ("file", "env"):
        return _secret(node, at, path, environ, faults)
    lines = getattr(node, "lc", None)
    values = {}
    for key, value in node.items():
        here = (*at, str(key))
        if lines is not None and key in (lines.data or {}):
            places[here] = f"{path}:{lines.data[key][0] + 1}"
        values[str(key)] = _resolve(value, here, path, environ, places, faults)
    return values


def _secret(
    node: dict[str, Any], at: tuple[str, ...], path: Path, environ: Mapping[str, str], faults: list[Fault]
) -> SecretStr:
    kind, name = next(iter(node.items()))
    where = f"{path}: {'.'.join(at)}"
    if kind == "env":
        if str(name) not in environ:
            faults.append(Fault(where, f"the environment has no variable {name}", f"set {name}, or use {{file: path}}"))
        return SecretStr(environ.get(str(name), "-" * 32))
    file = path.parent / str(name)
    try:
        return SecretStr(file.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        faults.append(Fault(where, f"the secret file {file} cannot be read", "create it, readable for the bridge only"))
        return SecretStr("-" * 32)


def _overlay(values: dict[str, Any], environ: Mapping[str, str], places: Places, faults: list[Fault]) -> None:
    """Put BRIDGE_A__B=value on top of the file's values; known keys are matched without regard to case."""
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        steps = [step.lower() for step in name.removeprefix(PREFIX).split("__")]
        if not all(steps):
            faults.append(Fault(name, "names no setting", "write BRIDGE_SECTION__KEY"))
            continue
        node: Any = values
        for step in steps[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                faults.append(Fault(name, f"`{step}` is a single value", "leave the part after it out"))
                break
        else:
            node[steps[-1]] = _typed(environ[name])
            places[tuple(steps)] = name


def _typed(text: str) -> Any:
    """Sections may be given as JSON; everything else stays text for pydantic to read."""
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError:
            pass
    return FromEnvironment(text)


def _fault(item: Any, path: Path, tree: Any, places: Places, model: type[BaseModel]) -> Fault:
    keys = tuple(str(part) for part in item["loc"])
    dotted = ".".join(keys)
    for length in range(len(keys), 0, -1):
        if keys[:length] in places:
            place = places[keys[:length]]
            return Fault(f"{place}: {dotted}", _what(item), _remedy(item, model))
    return Fault(f"{path}: {dotted}" if dotted else str(path), _what(item), _remedy(item, model))


def _what(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "unknown key"
    if item["type"] == "missing":
        return "is missing"
    return str(item["msg"]).removeprefix("Value error, ")


def _remedy(item: Any, model: type[BaseModel]) -> str:
    keys = [str(part) for part in item["loc"]]
    section = _section(model, keys[:-1])
    if item["type"] == "extra_forbidden" and section is not None:
        return _meant(keys[-1], section.model_fields)
    if section is not None and keys and keys[-1] in section.model_fields:
        return section.model_fields[keys[-1]].description or ""
    return ""


def _section(model: type[BaseModel], keys: list[str]) -> type[BaseModel] | None:
    """The model of the section these keys lead to."""
    found: Any = model
    for key in keys:
        annotation = found.model_fields[key].annotation if key in getattr(found, "model_fields", {}) else None
        if annotation is None:
            continue  # a name of the operator's own, such as a system's
        inner = getattr(annotation, "__args__", ())
        found = inner[-1] if inner else annotation
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _meant(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(word, names, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(names))}"


def _literal_secrets(settings: Settings, tree: Any, path: Path) -> list[Fault]:
    written = tree.get("instance_secret")
    if isinstance(written, str):
        return [Fault(f"{path}: instance_secret", "a secret stands in the settings file", SECRET_REMEDY)]
    return []


def _plain_secrets(options: Mapping[str, Any], model: type[BaseModel], where: str) -> list[Fault]:
    """A secret written out in the file arrives as plain text."""
    return [
        Fault(f"{where}.{key}", "a secret stands in the settings file", SECRET_REMEDY)
        for key, value in options.items()
        if key in model.model_fields and "SecretStr" in str(model.model_fields[key].annotation)
        if isinstance(value, str) and not isinstance(value, FromEnvironment)
    ]


def _from_here(settings: Settings, path: Path) -> Settings:
    """Relative paths count from the settings file."""
    here = path.resolve().parent
    url = settings.store.url
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        file = here / url.removeprefix("sqlite:///")
        url = f"sqlite:///{file}"
    return settings.model_copy(
        update={
            "mappings_dir": here / settings.mappings_dir,
            "store": settings.store.model_copy(update={"url": url}),
        }
    )


def _ordered(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=str)
