"""The settings file as plain values, with the place of every key and with {file: ...} and {env: ...} filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bridge.domain.errors import ConfigError, Fault
from bridge.settings.faults import Key, Places

STAND_IN = "-" * 32  # for a secret that could not be read, so that it causes one fault and not two


@dataclass(slots=True)
class Written:
    """What the file says. `variables`: names its {env: ...} entries use; those are no settings themselves."""

    places: Places
    values: dict[str, Any] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


def read_file(path: Path, environ: Mapping[str, str]) -> Written:
    """Read the file and the secrets it names. Raises ConfigError when it is no readable YAML mapping."""
    written = Written(Places(path))
    try:
        written.values = _plain(_parse(path), (), written, environ)
    except RecursionError:
        raise ConfigError([Fault(str(path), "is nested too deeply", "see config/bridge.yaml")]) from None
    return written


def _parse(path: Path) -> dict[str, Any]:
    yaml = YAML(typ="rt")
    yaml.version = (1, 2)
    try:
        tree = yaml.load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError([Fault(str(path), "no such file", "name it with --settings or BRIDGE_SETTINGS")]) from None
    except OSError as error:
        raise ConfigError([Fault(str(path), f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Fault(str(path), "is not UTF-8 text", "save it as UTF-8")]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError([Fault(where, _problem(error), "correct the YAML there")]) from None
    except YAMLError as error:
        raise ConfigError([Fault(str(path), str(error).partition("\n")[0], "correct the YAML there")]) from None
    if not isinstance(tree, dict):
        raise ConfigError([Fault(str(path), "must hold keys and values", "see config/bridge.yaml")])
    return tree


def _problem(error: MarkedYAMLError) -> str:
    """The parser's complaint; the one about a doubled key would show both values, which may be secrets."""
    problem = str(error.problem or "is not YAML")
    return problem.partition(" with value ")[0] if isinstance(error, DuplicateKeyError) else problem


def _plain(node: Any, at: Key, written: Written, environ: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_plain(item, (*at, str(index)), written, environ) for index, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    if at and len(node) == 1 and next(iter(node)) in ("file", "env"):
        return _named(node, at, written, environ)
    lines = getattr(getattr(node, "lc", None), "data", None) or {}
    values = {}
    for key, value in node.items():
        here = (*at, str(key))
        if key in lines:
            written.places.known[here] = f"{written.places.path}:{lines[key][0] + 1}"
        if value is None and "options" not in at:
            continue  # a section all of whose keys are commented out
        values[str(key)] = _plain(value, here, written, environ)
    return values


def _named(node: dict[str, Any], at: Key, written: Written, environ: Mapping[str, str]) -> SecretStr:
    """The value {file: path} or {env: NAME} stands for."""
    kind, name = next((str(kind), str(name)) for kind, name in node.items())
    if kind == "env":
        written.variables.add(name)
        value, source = environ.get(name), f"the environment variable {name}"
        missing, remedy = f"{source} is not set", "set it, or write {file: path}"
    else:
        file = written.places.path.parent / name
        value, source = _text(file), f"the file {file}"
        missing, remedy = f"{source} cannot be read", "create it, readable for the bridge only"
    if value is None:
        written.faults.append(written.places.fault(at, missing, remedy))
    elif not value.strip():
        written.faults.append(written.places.fault(at, f"{source} is empty", "put the value there"))
    return SecretStr((value or "").strip() or STAND_IN)


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
