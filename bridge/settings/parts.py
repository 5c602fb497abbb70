"""The settings that a command needs if it does not need all: where the store is, and where mapping files are.

Problems elsewhere in the file, such as secrets that are missing in this shell, are not reported.
"""

from collections.abc import Mapping
from os.path import normpath
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.domain.errors import ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.settings.environment import PREFIX, FromEnvironment, overlay
from bridge.settings.problems import LITERAL_SECRET, SECRET_REMEDY, in_order
from bridge.settings.read import Named, Written, read_file

SQLITE = "sqlite:///"
STORE_URL = "sqlite:///var/bridge.sqlite"
MAPPINGS_DIR = "../mappings"
MODES = ("shadow", "live")
MODE_REMEDY = "write mappings: {people: {mode: live}}"
NO_ADDRESS = "must be sqlite:///path/to/file or postgresql://user@host/database"


def store_url(path: Path, environ: Mapping[str, str]) -> str:
    """Return the store's address, as in the whole settings. Raises ConfigError with what is wrong with it."""
    written = _part(path, environ, "store")
    store = written.values.get("store", {})
    problems = list(written.problems)
    if not isinstance(store, dict):
        raise ConfigError([written.places.problem(("store",), "must be a section with keys of its own", "write url:")])
    for key in store.keys() - {"url"}:
        problems.append(written.places.problem(("store", key), "unknown key", did_you_mean(key, ["url"])))
    url = store.get("url", STORE_URL)
    if not problems and not (isinstance(url, str) and is_store(url)):
        problems.append(written.places.problem(("store", "url"), NO_ADDRESS))
    elif has_literal_password(url):
        problems.append(written.places.problem(("store", "url"), LITERAL_SECRET, SECRET_REMEDY))
    if problems:
        raise ConfigError(in_order(problems))
    return absolute_url(path, str(url))


def mapping_files(path: Path, environ: Mapping[str, str]) -> tuple[Path, Path | None]:
    """Return the folder of mapping files, and the file of the operator's functions. Raises ConfigError."""
    written = _part(path, environ, "mappings_dir", "functions_file")
    problems: list[Problem] = list(written.problems)
    found: list[Path | None] = []
    for key, default in (("mappings_dir", MAPPINGS_DIR), ("functions_file", None)):
        value = written.values.get(key, default)
        if value is not None and not isinstance(value, str):
            problems.append(written.places.problem((key,), "must be a path", f"write {key}: path/to/it"))
        found.append(absolute_path(path, value) if isinstance(value, str) and value else None)
    if problems:
        raise ConfigError(in_order(problems))
    folder, functions = found
    return folder or absolute_path(path, MAPPINGS_DIR), functions


def mapping_modes(path: Path, environ: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the mode of mappings that are not named, and the modes of those that are. Raises ConfigError."""
    written = _part(path, environ, "default_mode", "mappings")
    problems, given = list(written.problems), written.values.get("mappings", {})
    named = given if isinstance(given, dict) else {}
    default = written.values.get("default_mode", MODES[0])
    modes: dict[tuple[str, ...], Any] = {("default_mode",): default}
    for name, one in named.items():
        modes["mappings", name, "mode"] = one.get("mode") if isinstance(one, dict) else None
    if named is not given:
        problems.append(written.places.problem(("mappings",), "must be a section with keys of its own", MODE_REMEDY))
    for key, mode in modes.items():
        if mode not in MODES:
            problems.append(written.places.problem(key, f"must be {' or '.join(MODES)}", MODE_REMEDY))
    if problems:
        raise ConfigError(in_order(problems))
    return str(default), {key[1]: str(mode) for key, mode in modes.items() if len(key) > 1}


def is_store(url: str) -> bool:
    """Return whether the address names a database that the bridge can use."""
    if url.startswith(SQLITE):
        return url.removeprefix(SQLITE) not in ("", ":memory:")
    try:
        return url.startswith(("postgresql://", "postgresql+asyncpg://")) and bool(urlsplit(url).path.strip("/"))
    except ValueError:
        return False


def has_literal_password(url: Any) -> bool:
    """Return whether the settings file itself contains the store's password."""
    if not isinstance(url, str) or isinstance(url, Named | FromEnvironment):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.password) or "password" in parse_qs(parts.query)


def absolute_url(settings_file: Path, url: str) -> str:
    """Return the address with a relative file resolved from the folder of the settings file."""
    if not url.startswith(SQLITE):
        return url
    return f"{SQLITE}{normpath(settings_file.resolve().parent / url.removeprefix(SQLITE))}"


def absolute_path(settings_file: Path, path: Path | str) -> Path:
    """Return the path, resolved from the folder of the settings file if it is relative."""
    return Path(normpath(settings_file.resolve().parent / path))


def _part(path: Path, environ: Mapping[str, str], *keys: str) -> Written:
    written = read_file(path, environ, keys)
    names = tuple(f"{PREFIX}{key.upper()}" for key in keys)
    mine = {name: value for name, value in environ.items() if name.partition("__")[0].upper() in names}
    overlay(written, mine)
    return written
