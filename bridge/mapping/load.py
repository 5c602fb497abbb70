"""Mapping files to compiled mappings. Every fault of every file is shown at once, each with its place and a remedy."""

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import replace
from pathlib import Path as FilePath

from bridge.domain.errors import ConfigError, Fault
from bridge.domain.record import Side
from bridge.domain.text_file import NotText, read_text
from bridge.mapping.document import Faults, Node, Table, did_you_mean, read_documents
from bridge.mapping.example_blocks import read_examples
from bridge.mapping.functions import Functions
from bridge.mapping.grammar import read_mapping
from bridge.mapping.model import Mapping
from bridge.mapping.section import Section
from bridge.mapping.sources import ROWS, TABLE, TESTS, Sources, is_part

NO_FUNCTIONS: Functions = {}
NO_FILES: MappingOf[str, str] = {}
NO_MAPPINGS = "`bridge init PAIR` makes a folder with shipped ones; mapping files end in .yaml"


def load_mappings(directory: FilePath, functions: Functions = NO_FUNCTIONS) -> tuple[Mapping, ...]:
    """Every mapping file (`*.yaml`) below the directory in order of path; raises ConfigError with all faults.

    Files of shared rows (`*.rows.yaml`) and value tables (`*.table.yaml`) are read when a mapping names them, files of
    tests (`*.test.yaml`) name their mapping. `functions`: those the operator added, by name.
    """
    if not directory.is_dir():
        raise ConfigError(
            [Fault(str(directory), "there is no such folder", "make it, or set the mappings folder to another")]
        )
    faults = Faults()
    paths = {path.relative_to(directory).as_posix(): path for path in sorted(directory.rglob("*.yaml"))}
    sources = Sources(lambda name: _text(name, paths[name], faults) if name in paths else None, tuple(paths), faults)
    found: list[Mapping] = []
    texts = {name: _text(name, path, faults) for name, path in paths.items() if not name.endswith((ROWS, TABLE))}
    for name, text in texts.items():
        if text is not None and not is_part(name):
            found += _load(text, name, faults, functions, sources)
    for name, text in texts.items():
        if text is not None and name.endswith(TESTS):
            found = _with_tests(found, read_documents(text, name, faults), faults)
    if not found and not faults.found:
        faults.found.append(Fault(str(directory), "there is no mapping file in this folder", NO_MAPPINGS))
    return _together(found, faults)


def _with_tests(mappings: list[Mapping], documents: list[Node], faults: Faults) -> list[Mapping]:
    """The mappings with the examples of a file beside them: documents of `mapping: NAME` and `tests:`."""
    for node in documents:
        if not isinstance(node, Table):
            faults.add(node.place, "a file of tests must be a table", "write mapping: NAME and tests: [...]")
            continue
        section = Section(node, "this file of tests", faults)
        name = section.text("mapping") or ""
        at = next((at for at, mapping in enumerate(mappings) if mapping.name == name), None)
        if at is None:
            known = [mapping.name for mapping in mappings]
            faults.add(
                section.value_place("mapping"), f"tests for `{name}`, which is no mapping", did_you_mean(name, known)
            )
            continue
        sides = {mappings[at].side(side).name: side for side in Side}
        examples = (*mappings[at].examples, *read_examples(section, sides))
        section.finish()
        mappings = [*mappings[:at], replace(mappings[at], examples=examples), *mappings[at + 1 :]]
    return mappings


def load_text(
    text: str, name: str, functions: Functions = NO_FUNCTIONS, files: MappingOf[str, str] = NO_FILES
) -> tuple[Mapping, ...]:
    """The mappings of one file's text; `name` is its name in messages. Raises ConfigError with all faults.

    `files`: texts of the files it may include, by path.
    """
    faults = Faults()
    sources = Sources(files.get, tuple(files), faults)
    return _together(_load(text, name, faults, functions, sources), faults)


def _text(name: str, path: FilePath, faults: Faults) -> str | None:
    """None after a fault."""
    try:
        return read_text(path)
    except NotText as error:
        faults.found.append(Fault(name, error.what, error.remedy))
        return None


def _load(text: str, name: str, faults: Faults, functions: Functions, sources: Sources) -> list[Mapping]:
    nodes = read_documents(text, name, faults)
    read = [read_mapping(sources.completed(node), faults, functions) for node in nodes]
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
