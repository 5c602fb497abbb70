"""Loads mapping files. Every problem of every file is shown at once, each with its place and a remedy."""

import hashlib
import re
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from pathlib import Path as FilePath

from bridge.domain.errors import ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.domain.record import SIDES
from bridge.domain.text_file import NotText, read_text
from bridge.domain.values import dataclass, replace
from bridge.files.document import Node, Problems, Table, read_documents
from bridge.mapping.examples import read_examples
from bridge.mapping.follow_ons import Document, document_of, mistakes
from bridge.mapping.functions import Functions
from bridge.mapping.grammar import read_mapping
from bridge.mapping.model import Mapping
from bridge.mapping.section import Section
from bridge.mapping.sources import ROWS, TABLE, TESTS, Sources, is_part

_NAME = re.compile(r"^mapping[ \t]*:[ \t]*[\"']?([^\s\"'#]+)", re.M)

VERSION_LETTERS = 10
NO_FUNCTIONS: Functions = {}
NO_FILES: MappingOf[str, str] = {}
NO_MAPPINGS = "`bridge init PAIR` creates a folder with shipped mapping files; their names end in .yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The content of a folder of mapping files.

    `problems`: all problems, also those that follow from others. `names`: the names of all mappings, also of those that
    cannot be compiled; None if a file could not be read, because then they are not known. `incomplete`: mappings with
    problems of their own. `documents`: the places of the parts of each mapping.
    """

    mappings: tuple[Mapping, ...]
    problems: tuple[Problem, ...]
    names: frozenset[str] | None
    incomplete: frozenset[str] = frozenset()
    documents: tuple[Document, ...] = ()


def load_mappings(directory: FilePath, functions: Functions = NO_FUNCTIONS) -> tuple[Mapping, ...]:
    """Return the mappings of all files (`*.yaml`) below the directory, by path. Raises ConfigError with all problems.

    Files of shared field rules (`*.rows.yaml`) and value tables (`*.table.yaml`) are read when a mapping names them.
    Files of examples (`*.test.yaml`) name their mapping. `functions`: those the operator added, by name.
    """
    loaded = read_mappings(directory, functions)
    if loaded.problems:
        raise ConfigError(mistakes(loaded.problems, loaded.documents))
    return loaded.mappings


def read_mappings(directory: FilePath, functions: Functions = NO_FUNCTIONS) -> Loaded:
    """Load like `load_mappings`, but return what can be compiled along with the problems, so that it can be checked."""
    if not directory.is_dir():
        problem = Problem(str(directory), "there is no such folder", "create it, or set mappings_dir to another folder")
        return Loaded((), (problem,), None)
    problems = Problems()
    paths = {path.relative_to(directory).as_posix(): path for path in _below(directory, "*.yaml")}
    texts = {name: _text(name, path, problems) for name, path in paths.items() if not name.endswith((ROWS, TABLE))}
    sources = Sources(
        lambda name: _text(name, paths[name], problems) if name in paths else None, tuple(paths), problems
    )
    found: list[Mapping] = []
    incomplete: set[str] = set()
    documents: list[Document] = []
    for name, text in texts.items():
        if text is not None and not is_part(name):
            found += _load(text, name, problems, functions, sources, incomplete, documents)
    named = [_NAME.findall(text or "") for name, text in texts.items() if not is_part(name)]
    names = frozenset(name for some in named for name in some)
    known = names if all(named) and all(one.name for one in documents) else None
    for name, text in texts.items():
        if text is not None and name.endswith(TESTS):
            found = _with_tests(found, known, read_documents(text, name, problems), problems)
    problems.found += _other_files(directory, found, problems)
    mappings = _together(found, known, problems)
    return Loaded(mappings, tuple(problems.found), known, frozenset(incomplete), tuple(documents))


def _below(directory: FilePath, pattern: str) -> list[FilePath]:
    """Return the files in order, except those in hidden folders, where Kubernetes keeps the states of a ConfigMap."""
    found = sorted(directory.rglob(pattern))
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(directory).parts[:-1])]


def _other_files(directory: FilePath, found: list[Mapping], problems: Problems) -> list[Problem]:
    """Return problems for files that look like mapping files and are not read, and for a folder without mappings."""
    wrong = [path for path in _below(directory, "*") if path.suffix.lower() in (".yml", ".yaml") and path.is_file()]
    strange = [
        Problem(
            path.relative_to(directory).as_posix(),
            f"is not read, because its name ends in {path.suffix}",
            "rename it so that it ends in .yaml",
        )
        for path in wrong
        if path.suffix != ".yaml"
    ]
    if not found and not problems.found and not strange:
        return [Problem(str(directory), "there is no mapping in this folder", NO_MAPPINGS)]
    return strange


def _with_tests(
    mappings: list[Mapping], names: frozenset[str] | None, documents: list[Node], problems: Problems
) -> list[Mapping]:
    """Return the mappings with the examples of a separate file: its documents have `mapping: NAME` and `tests:`."""
    for node in documents:
        if not isinstance(node, Table):
            problems.add(node.place, "a file of tests must be a table", "write mapping: NAME and tests: [...]")
            continue
        section = Section(node, "this file of tests", problems)
        name = section.text("mapping") or ""
        at = next((at for at, mapping in enumerate(mappings) if mapping.name == name), None)
        if at is None and (names is None or name in names):
            continue  # its mapping has problems of its own
        if at is None:
            known = [mapping.name for mapping in mappings]
            problems.add(
                section.value_place("mapping"), f"tests for `{name}`, which is not a mapping", did_you_mean(name, known)
            )
            continue
        sides = {mappings[at].side(side).name: side for side in SIDES}
        examples = (*mappings[at].examples, *read_examples(section, sides))
        section.finish()
        mappings = [*mappings[:at], replace(mappings[at], examples=examples), *mappings[at + 1 :]]
    return mappings


def load_text(
    text: str, name: str, functions: Functions = NO_FUNCTIONS, files: MappingOf[str, str] = NO_FILES
) -> tuple[Mapping, ...]:
    """Return the mappings of one file's text; `name` is its name in messages. Raises ConfigError with all problems.

    `files`: the texts of files that it may include, by path.
    """
    problems = Problems()
    sources = Sources(files.get, tuple(files), problems)
    documents: list[Document] = []
    found = _load(text, name, problems, functions, sources, set(), documents)
    mappings = _together(found, frozenset(_NAME.findall(text)), problems)
    if problems.found:
        raise ConfigError(mistakes(problems.found, documents))
    return mappings


def _text(name: str, path: FilePath, problems: Problems) -> str | None:
    """Return a file's text; None after a problem."""
    try:
        return read_text(path)
    except NotText as error:
        problems.found.append(Problem(name, error.what, error.remedy))
        return None


def _load(
    text: str,
    name: str,
    problems: Problems,
    functions: Functions,
    sources: Sources,
    incomplete: set[str],
    documents: list[Document],
) -> list[Mapping]:
    """Return the mappings of a file that can be compiled. Those with problems are added to `incomplete`."""
    before = len(problems.found)
    nodes = read_documents(text, name, problems)
    if not nodes and len(problems.found) == before:
        problems.found.append(Problem(name, "contains no mapping", "write one (docs/mapping.md), or remove the file"))
    found = []
    for node in nodes:
        documents += [document] if (document := document_of(node)) is not None else []
        before = len(problems.found)
        mapping = read_mapping(sources.completed(node), problems, functions)
        if mapping is not None:
            found.append(replace(mapping, version=version_of(text)))
            if len(problems.found) > before:
                incomplete.add(mapping.name)
    return found


def version_of(text: str) -> str:
    """Return the first letters of the id that git gives to a file with this text."""
    content = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()[:VERSION_LETTERS]


def _together(mappings: Iterable[Mapping], names: frozenset[str] | None, problems: Problems) -> tuple[Mapping, ...]:
    """Check the mappings together: each name is used once, and links name mappings that exist. Return the mappings."""
    known: dict[str, Mapping] = {}
    for mapping in mappings:
        if mapping.name in known:
            problems.add(
                mapping.place,
                f"another mapping is also called {mapping.name}",
                f"the first is at {known[mapping.name].place}; rename one",
            )
        known.setdefault(mapping.name, mapping)
    for mapping in known.values():
        for row in (row for field in mapping.fields for row in field.refers):
            if row.link is not None and row.link not in known and names is not None and row.link not in names:
                what = f"field rule {row.name} of {mapping.name} links to `{row.link}`, which is not a mapping"
                problems.add(row.place, what, did_you_mean(row.link, list(known)))
    return tuple(known.values())
