"""Puts BRIDGE_ variables on top of the file: BRIDGE_STORE__URL is store.url."""

import json
from collections.abc import Mapping
from typing import Any

from bridge.domain.errors import Problem
from bridge.domain.text_file import unusable_character
from bridge.settings.read import Written

PREFIX = "BRIDGE_"
NOT_SETTINGS = frozenset({"BRIDGE_SETTINGS"})  # this variable names the settings file itself


class FromEnvironment(str):
    """Text from a BRIDGE_ variable. Unlike text from the file, it may be a secret."""


def overlay(written: Written, environ: Mapping[str, str]) -> None:
    """Put each variable's value in its place. Its name matches the file's keys without regard to case, `-` and `_`."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS and name not in written.variables:
            _put(written, name, environ[name])


def _put(written: Written, name: str, text: str) -> None:
    steps = name.removeprefix(PREFIX).lower().split("__")
    if not all(steps):
        written.problems.append(Problem(name, "names no setting", "write BRIDGE_SECTION__KEY, or unset it"))
        return
    if character := unusable_character(text):
        written.problems.append(Problem(name, f"holds {character}", "set it to UTF-8 text"))
        return
    node, at, places = written.values, list[str](), written.places.known
    for step in steps[:-1]:
        at.append(_same(step, node))
        if at[-1] not in node:
            node[at[-1]], places[tuple(at)] = {}, name
        node = node[at[-1]]
        if not isinstance(node, dict):
            what = f"`{'.'.join(at)}` is a single value"
            written.problems.append(Problem(name, what, "leave out what follows its name"))
            return
    at.append(_same(steps[-1], node))
    node[at[-1]] = _value(text)
    for key in [key for key in places if key[: len(at)] == tuple(at)]:
        del places[key]
    places[tuple(at)] = name


def _same(step: str, node: Mapping[str, Any]) -> str:
    return next((key for key in node if key.lower().replace("-", "_") == step), step)


def _value(text: str) -> Any:
    """Return a whole section if the text is JSON; otherwise the text, which the model reads."""
    if text.startswith(("{", "[")):
        try:
            return _marked(json.loads(text))
        except ValueError:
            pass
    return FromEnvironment(text)


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner) for inner in value]
    return FromEnvironment(value) if isinstance(value, str) else value
