"""Mapping files to compiled mappings. Every fault of every file is shown at once, each with its place and a remedy."""

from collections.abc import Iterable
from pathlib import Path as FilePath

from bridge.domain.errors import ConfigError, Fault
from bridge.mapping.document import Faults, did_you_mean, read_documents
from bridge.mapping.functions import Functions
from bridge.mapping.grammar import read_mapping
from bridge.mapping.model import Mapping

NO_FUNCTIONS: Functions = {}


def load_mappings(directory: FilePath, functions: Functions = NO_FUNCTIONS) -> tuple[Mapping, ...]:
    """Every `*.yaml` below the directory except `*.test.yaml`, in order of path; raises ConfigError with all faults.

    `functions`: those the operator added, by name.
    """
    if not directory.is_dir():
        raise ConfigError(
            [Fault(str(directory), "there is no such folder", "make it, or set the mappings folder to another")]
        )
    faults = Faults()
    found: list[Mapping] = []
    for path in sorted(directory.rglob("*.yaml")):
        if path.name.endswith(".test.yaml"):
            continue
        name = path.relative_to(directory).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            faults.found.append(Fault(name, f"the file cannot be read: {reason}", "save it as UTF-8 and readable"))
            continue
        found += _load(text, name, faults, functions)
    return _together(found, faults)


def load_text(text: str, name: str, functions: Functions = NO_FUNCTIONS) -> tuple[Mapping, ...]:
    """The mappings of one file's text; `name` is its name in messages. Raises ConfigError with all faults."""
    faults = Faults()
    return _together(_load(text, name, faults, functions), faults)


def _load(text: str, name: str, faults: Faults, functions: Functions) -> list[Mapping]:
    read = [read_mapping(node, faults, functions) for node in read_documents(text, name, faults)]
    return [mapping for mapping in read if mapping is not None]


def _together(mappings: Iterable[Mapping], faults: Faults) -> tuple[Mapping, ...]:
    """What concerns several mappings: names said once, links to mappings that exist."""
    known: dict[str, Mapping] = {}
    for mapping in mappings:
        if mapping.name in known:
            faults.add(
                mapping.place,
                f"a second mapping called {mapping.name}",
                f"the first is at {known[mapping.name].place}; rename one",
            )
        known.setdefault(mapping.name, mapping)
    for mapping in known.values():
        for row in mapping.fields:
            if row.link is not None and row.link not in known:
                what = f"row {row.name} of {mapping.name} links to `{row.link}`, which is no mapping"
                faults.add(row.place, what, did_you_mean(row.link, list(known)))
    if faults.found:
        raise ConfigError(faults.found)
    return tuple(known.values())
