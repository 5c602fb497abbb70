"""The archive that `bridge doctor` writes for a bug report. It contains no secret and no personal data.

Names of mappings, fields and systems stay, ids of records become `record 1`, and values become their type and length.
"""

import io
import json
import os
import platform
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bridge.app.doctor import Examined
from bridge.app.finding import Finding
from bridge.app.secrets import register_secrets
from bridge.app.status import Rows, status_of
from bridge.domain.errors import BridgeError, ConfigError
from bridge.domain.seams import Seams, from_epoch
from bridge.files.document import Problems, Table, read_documents
from bridge.monitoring.redaction import Redactor
from bridge.settings.parts import store_url
from bridge.settings.summary import summary
from bridge.store.engine import Store, open_store
from bridge.store.journal import JournalRow

JOURNAL_LINES = 500
PACKAGES = ("sync-bridge", "aiohttp", "alembic", "APScheduler", "asyncpg", "click", "pydantic", "SQLAlchemy")
MAIL = re.compile(r"[^\s\"'<>,;:()\[\]{}]+@[^\s\"'<>,;:()\[\]{}]+\.[^\s\"'<>,;:()\[\]{}]+")
KEPT = {
    "bridge": {"instance", "state"},
    "store": {"made", "note"},
    "problems": {"mapping", "what the account lacks"},
    "systems": {"system", "state"},
    "column changes": {"system", "entity", "column", "level", "mappings", "since"},
    "renamed": {"system"},
    "hooks": {"system", "hook", "state", "last callback", "repaired 7 d"}
    | {f"{what} {window}" for what in ("reported", "missed") for window in ("24 h", "7 d")},
    "conflicts": {"mapping", "field"},
    "left behind": {"mapping", "records"},
    "instructions": {"run", "records still to be done"},
    "waiting": {"mapping", "code", "records", "waits since", "next look"},
    "dead letters": {"mapping", "code"},
    "sweeps": None,
    "progress": None,
    "quota": None,
    "quota queue": None,
    "shadow": None,
    "verify": {"mapping", "verified", "pairs", "equal", "differing", "waiting", "dead", "only on one side"},
    "mappings": {"mapping", "mode", "accepted", "applied", "unchanged", "coalesced", "filtered", "discarded"}
    | {"waiting", "dead"},
}
"""By heading of `bridge status`: columns without personal data; None: all. Of other columns, type and length are
shown."""
ABOUT = """\
What `bridge doctor` found. Secrets are shown as set or unset; values are replaced by their type and length,
ids of records by numbers that mean the same record throughout. Mapping files are as you wrote them, without their
`tests:` and e-mail addresses: look through them before you send this.
"""


def shape(value: Any) -> Any:
    """Return the type and length of a value, so that a report contains nothing about a person."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return f"text({len(value)})"
    if isinstance(value, Mapping):
        return {str(key): shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value]


class Pseudonyms:
    """Gives each record a number, always the same one for the same record."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], str] = {}

    def of(self, mapping: str, side: str, record_id: str | None) -> str | None:
        if record_id is None:
            return None
        return self._known.setdefault((mapping, side, record_id), f"record {len(self._known) + 1}")


async def write_bundle(target: Path, path: Path, environ: Mapping[str, str], found: Examined, seams: Seams) -> None:
    """Write the archive. Raises ConfigError if the store cannot be opened, OSError if the file cannot be written."""
    redact = Redactor()
    if found.settings is not None:
        register_secrets(found.settings, redact)

    def clean(text: str) -> str:
        return MAIL.sub(lambda match: f"mail({len(match[0])})", redact(text))

    files = {"README.txt": ABOUT, "versions.json": _json(_versions())}
    files["doctor.json"] = clean(_json([_finding(one) for one in found.findings]))
    if found.settings is not None:
        files["settings.txt"] = clean("\n".join(summary(found.settings)) + "\n")
        for name, file in _mapping_files(found.settings.mappings_dir):
            files[f"mappings/{name}"] = clean(_without_tests(file.read_text(encoding="utf-8", errors="replace")))
    files |= {name: clean(text) for name, text in (await _of_store(path, environ, seams)).items()}
    _write(target, files)


async def _of_store(path: Path, environ: Mapping[str, str], seams: Seams) -> dict[str, str]:
    try:
        store = await open_store(store_url(path, environ), seams, existing=True)
    except ConfigError:
        return {}  # the findings say why
    try:
        return {"status.json": _json(_status(await status_of(store))), "journal.jsonl": await _journal(store)}
    except BridgeError as error:
        return {"status.json": _json({"fault": str(error)})}
    finally:
        await store.close()


def _without_tests(text: str) -> str:
    """Return a mapping file without its examples, because these are often made from a real record. The other lines keep
    their numbers.

    If its examples cannot be located, the whole file is left out.
    """
    problems, lines = Problems(), text.splitlines(keepends=True)
    documents = read_documents(text, "", problems)
    if problems.found or not all(isinstance(one, Table) for one in documents):
        return "# left out: it is not YAML as the bridge reads it\n"
    for keys in (one.keys for one in documents if isinstance(one, Table)):
        if "tests" not in keys:
            continue
        start, starts = keys["tests"].place.line - 1, sorted(key.place.line - 1 for key in keys.values())
        if starts.count(start) > 1:
            return "# left out: its examples share a line with something else\n"
        ends = [number for number in starts if number > start]
        ends += [number for number in range(start + 1, len(lines)) if lines[number].startswith(("---", "..."))]
        end = min(ends, default=len(lines))
        lines[start:end] = ["# left out\n"] * (end - start)
    return "".join(lines)


def _mapping_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the mapping files as the bridge reads them: also those in subfolders, except hidden ones."""
    for file in sorted(folder.rglob("*.yaml")):
        name = file.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts[:-1]):
            yield name.as_posix(), file


def _status(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    return {heading: [_row(heading, row) for row in found] for heading, found in rows.items()}


def _row(heading: str, row: Mapping[str, object]) -> dict[str, Any]:
    kept = KEPT.get(heading, set())
    return {name: value if kept is None or name in kept else shape(value) for name, value in row.items()}


async def _journal(store: Store) -> str:
    names = Pseudonyms()
    rows = reversed(await store.journal.recent(JOURNAL_LINES))
    return "".join(json.dumps(_entry(row, names)) + "\n" for row in rows)


def _entry(row: JournalRow, names: Pseudonyms) -> dict[str, Any]:
    entry = row.entry
    return {
        "at": from_epoch(row.at).isoformat(timespec="seconds"),
        "mapping": entry.mapping,
        "side": entry.side.value,
        "record": names.of(entry.mapping, entry.side.value, entry.record_id),
        "other": names.of(entry.mapping, entry.side.other.value, entry.other_record_id),
        "what": entry.what,
        "text": shape(entry.text),
        "detail": shape(entry.detail),
    }


def _finding(one: Finding) -> dict[str, str]:
    text = shape(one.text) if one.speaks else one.text
    return {"part": one.part, "status": one.word, "text": text, "remedy": one.remedy}


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0], "system": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str) + "\n"


def _write(target: Path, files: Mapping[str, str]) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"bridge-report/{name}")
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
