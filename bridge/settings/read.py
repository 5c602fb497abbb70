"""The settings file as plain values, with the place of every key and with {file: ...} and {env: ...} filled in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bridge.domain.errors import ConfigError, Fault
from bridge.domain.text_file import NotText, read_text, unusable_character
from bridge.domain.yaml_words import yaml_problem
from bridge.settings.faults import Key, Places

UNUSABLE = dict.fromkeys((0, *range(0xD800, 0xE000)), "?")
STAND_IN = "-" * 32  # for a secret that could not be read, so that it causes one fault and not two


class Named(str):
    """The value that {file: path} or {env: NAME} stands for; it may be a secret, so that it is never shown."""

    def __repr__(self) -> str:
        return "'**********'"


@dataclass(slots=True)
class Written:
    """What the file says. `variables`: names its {env: ...} entries use; those are no settings themselves."""

    places: Places
    values: dict[str, Any] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


def read_file(path: Path, environ: Mapping[str, str], only: Collection[str] | None = None) -> Written:
    """Read the file and the secrets it names. Raises ConfigError when it is no readable YAML mapping.

    `only`: leave out all keys of the file but these, with whatever is wrong with them.
    """
    written = Written(Places(path))
    try:
        tree = _parse(path)
        if only is not None:
            for key in [key for key in tree if key not in only]:
                del tree[key]
        written.values = _plain(tree, (), written, environ)
    except RecursionError:
        raise ConfigError([Fault(str(path), "is nested too deeply", "see config/bridge.yaml")]) from None
    return written


def _parse(path: Path) -> dict[str, Any]:
    yaml = YAML(typ="rt")
    yaml.version = (1, 2)
    try:
        tree = yaml.load(read_text(path))
    except NotText as error:
        missing = not path.exists()
        remedy = "name it with --settings, or make one with `bridge init`" if missing else error.remedy
        raise ConfigError([Fault(str(path), error.what, remedy)]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError(
            [Fault(where, f"this is not YAML: {yaml_problem(str(error.problem))}", "correct it there")]
        ) from None
    except YAMLError as error:
        raise ConfigError(
            [Fault(str(path), f"this is not YAML: {yaml_problem(str(error))}", "correct it there")]
        ) from None
    if not isinstance(tree, dict):
        raise ConfigError([Fault(str(path), "must hold keys and values", "see config/bridge.yaml")])
    return tree


def _not_yaml(where: str, problem: str) -> ConfigError:
    return ConfigError([Fault(where, f"this is not YAML: {yaml_problem(problem)}", "correct it there")])


def _plain(node: Any, at: Key, written: Written, environ: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_plain(item, (*at, str(index)), written, environ) for index, item in enumerate(node)]
    if isinstance(node, str) and (character := unusable_character(node)):
        written.faults.append(written.places.fault(at, f"holds {character}", "write the character itself"))
        return str(node).translate(UNUSABLE)
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


def _named(node: dict[str, Any], at: Key, written: Written, environ: Mapping[str, str]) -> Named:
    """The value {file: path} or {env: NAME} stands for."""
    kind, name = next((str(kind), str(name)) for kind, name in node.items())
    if kind == "env":
        written.variables.add(name)
        source, value = f"the environment variable {name}", environ.get(name)
        missing, remedy = f"{source} is not set", "set it, or write {file: path}"
    else:
        file = written.places.path.parent / name
        source, value, missing = f"the file {file}", None, ""
        try:
            value = read_text(file)
        except NotText as error:
            missing = f"{source}: {error.what}"
        remedy = "create it as UTF-8 text, readable for the bridge only"
    if value is None:
        written.faults.append(written.places.fault(at, missing, remedy))
    elif character := unusable_character(value):
        written.faults.append(written.places.fault(at, f"{source} holds {character}", "put UTF-8 text there"))
        value = ""
    elif not value.strip():
        written.faults.append(written.places.fault(at, f"{source} is empty", "put the value there"))
    return Named((value or "").strip() or STAND_IN)
