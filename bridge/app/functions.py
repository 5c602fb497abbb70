"""The operator's own functions for mapping files: a Python file with a list called FUNCTIONS."""

import hashlib
import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from bridge.domain.errors import ConfigError, Problem
from bridge.domain.text_file import NotText, read_text
from bridge.mapping.functions import Function, Functions, example_problems

LIKE = 'write FUNCTIONS = [Function("name", read, write, examples=(("column\'s value", "row\'s value"),))]'


def load_functions(path: Path | None) -> Functions:
    """Return the functions of the file by name. Their examples are run. Raises ConfigError with every problem."""
    if path is None:
        return {}
    module, revision = _run(path)
    listed = getattr(module, "FUNCTIONS", None)
    if not isinstance(listed, list | tuple) or not all(isinstance(one, Function) for one in listed):
        what = "there is no list called FUNCTIONS that holds functions"
        raise ConfigError([Problem(str(path), what, f"{LIKE}; Function is in bridge.api")])
    problems = [Problem(f"{path}: {name}", what, remedy) for name, what, remedy in example_problems(listed)]
    names = [one.name for one in listed]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem(f"{path}: {name}", "two functions have this name", "rename one"))
    if problems:
        raise ConfigError(problems)
    return {one.name: replace(one, revision=revision) for one in listed}


def _run(path: Path) -> tuple[ModuleType, str]:
    """Run the file as a module of its own; return it with a fingerprint of its text."""
    try:
        source = read_text(path).encode()
    except NotText as error:
        what = f"the file of functions cannot be used: {error.what}"
        raise ConfigError([Problem(str(path), what, "correct `functions_file` in the settings, or the file")]) from None
    spec = importlib.util.spec_from_loader("operator_functions", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the operator names this file
    except Exception as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        what = f"the file of functions cannot be run: {type(error).__name__}: {error}"
        raise ConfigError([Problem(f"{path}{line}", what, "correct the file")]) from None
    return module, hashlib.blake2b(source, digest_size=8).hexdigest()
