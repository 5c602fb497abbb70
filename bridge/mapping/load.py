"""Loads mapping files. Every problem of every file is shown at once, each with its place and a remedy.

What a file includes is inserted before it is compiled. Problems that only follow from another one are left out.
"""

import hashlib
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import field
from pathlib import Path as FilePath

from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass, replace
from bridge.domain.guess import Guess, did_you_mean
from bridge.domain.record import SIDES
from bridge.domain.text_file import NotText, read_text
from bridge.files.document import Listing, Node, Place, Problems, Scalar, Table, read_documents
from bridge.mapping.examples import read_examples
from bridge.mapping.functions import Functions
from bridge.mapping.grammar import read_mapping
from bridge.mapping.model import Mapping
from bridge.mapping.section import UNKNOWN_KEY, Section

# ---- Files that mapping files name: `include:` for shared field rules, `table: FILE` for value tables ----
#
# Their content is inserted before a mapping is compiled, so that everything else sees one document. Places keep the
# name of the file that they come from.


ROWS, TABLE, TESTS = ".rows.yaml", ".table.yaml", ".test.yaml"


@dataclass(frozen=True, slots=True)
class Sources:
    """`read`: returns the text of a file by its path below the folder of mapping files; None if there is no such file.

    `known`: all these paths, for did-you-mean.
    """

    read: Callable[[str], str | None]
    known: tuple[str, ...]
    problems: Problems
    seen: dict[str, Node | None] = field(default_factory=dict)

    def completed(self, node: Node) -> Node:
        """Return a mapping's document with the shared field rules and value tables inserted."""
        if not isinstance(node, Table):
            return node
        entries = dict(node.entries)
        own = entries.get("fields")
        included = entries.pop("include", None)
        if included is not None:
            own = self._with_rows(own, included, (node.place.file,))
        if isinstance(own, Table):
            entries["fields"] = self._with_tables(own)
            keys = {**node.keys, "fields": node.keys.get("fields", Scalar("fields", node.place))}
            return Table(entries, {key: scalar for key, scalar in keys.items() if key in entries}, node.place)
        return node

    def _with_rows(self, own: Node | None, included: Node, above: tuple[str, ...]) -> Node | None:
        """Return the field rules, the shared ones first, in the order of the files. Report rules written twice."""
        rows = Table({}, {}, own.place if own is not None else included.place)
        for item in included.items if isinstance(included, Listing) else (included,):
            found = self._rows_of(item, above)
            if found is not None:
                rows = self._added(rows, found)
        if own is None or not isinstance(own, Table):
            return rows if own is None else own
        return self._added(rows, own)

    def _added(self, rows: Table, more: Table) -> Table:
        for name in more.entries:
            if name in rows.entries:
                first = rows.keys[name].place
                what = f"field rule `{name}` is written twice: it is also at {first}"
                self.problems.add(more.keys[name].place, what, "rename one of them, or do not include it")
        return Table({**rows.entries, **more.entries}, {**rows.keys, **more.keys}, more.place)

    def _rows_of(self, item: Node, above: tuple[str, ...]) -> Table | None:
        if not isinstance(item, Scalar) or not item.text.endswith(ROWS):
            what = "`include` names files of field rules"
            self.problems.add(
                item.place, what, f"write include: [NAME{ROWS}], a path below the folder of mapping files"
            )
            return None
        if item.text in above:
            ring = " -> ".join((*above[above.index(item.text) :], item.text))
            self.problems.add(item.place, f"files include each other in a circle: {ring}", "remove one `include`")
            return None
        node = self._file(item)
        if node is None:
            return None
        fields = node.entries.get("fields") if isinstance(node, Table) else None
        include = node.entries.get("include") if isinstance(node, Table) else None
        if not isinstance(node, Table) or not isinstance(fields, Table) or set(node.entries) - {"fields", "include"}:
            what = f"{item.text} contains other keys than `fields` (and `include`)"
            self.problems.add(node.place, what, "write fields: with one rule per field, as in a mapping")
            return None
        rows = fields if include is None else self._with_rows(fields, include, (*above, item.text))
        return rows if isinstance(rows, Table) else None

    def _with_tables(self, rows: Table) -> Table:
        """Return the field rules with each `table: FILE` replaced by the table in that file."""
        made = dict(rows.entries)
        for name, row in rows.entries.items():
            table = row.entries.get("table") if isinstance(row, Table) else None
            if not isinstance(row, Table) or not isinstance(table, Scalar) or table.null:
                continue
            if not table.text.endswith(TABLE):
                what = f"`table: {table.text}` of field rule {name} is neither a table nor a file of one"
                self.problems.add(table.place, what, f"write table: {{A: Gold}}, or table: NAME{TABLE}")
                made[name] = replace(row, entries={k: v for k, v in row.entries.items() if k != "table"})
                continue
            found = self._file(table)
            if found is not None and not isinstance(found, Table):
                self.problems.add(
                    found.place, f"{table.text} is not a table of values", "write a pair per line: A: Gold"
                )
            empty = Table({}, {}, table.place)
            made[name] = replace(row, entries={**row.entries, "table": found if isinstance(found, Table) else empty})
        return replace(rows, entries=made)

    def _file(self, name: Scalar) -> Node | None:
        """Return the only document of a file, which is read once; None after a problem."""
        if name.text in self.seen:
            return self.seen[name.text]
        text, before = self.read(name.text), len(self.problems.found)
        if text is None:
            ending = ROWS if name.text.endswith(ROWS) else TABLE
            alike = [path for path in self.known if path.endswith(ending)]
            remedy = did_you_mean(name.text, alike) if alike else "the path is relative to the folder of mapping files"
            self.problems.add(name.place, f"there is no file {name.text}", remedy)
            return None
        documents = read_documents(text, name.text, self.problems)
        if len(documents) > 1:
            self.problems.add(documents[1].place, f"{name.text} holds several documents", "keep one")
        elif not documents and len(self.problems.found) == before:
            self.problems.add(Place(name.text, 1, 1), f"{name.text} is empty", "write its field rules or its table")
        self.seen[name.text] = documents[0] if documents else None
        return self.seen[name.text]


def is_part(path: str) -> bool:
    """Return whether a file holds no mapping, but examples, shared field rules or a value table."""
    return path.endswith((TESTS, ROWS, TABLE))


# ---- Loading a folder, or the text of one file ----


Spot = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Document:
    """The places of a mapping: its start, the names of its sides, the starts of its keys, field rules and filters."""

    name: str
    start: Spot
    sides: tuple[tuple[str, Place], ...]
    parts: tuple[Spot, ...]

    def part_of(self, spot: Spot) -> int:
        """Return the number of the key or rule that a place belongs to; 0 before the first, and for the mapping."""
        return 0 if spot == self.start else bisect_right(self.parts, spot)


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
        for row in (row for rule in mapping.fields for row in rule.refers):
            if row.link is not None and row.link not in known and names is not None and row.link not in names:
                what = f"field rule {row.name} of {mapping.name} links to `{row.link}`, which is not a mapping"
                problems.add(row.place, what, did_you_mean(row.link, list(known)))
    return tuple(known.values())


# ---- Leaving out problems that only follow from another one, so that each mistake is reported once ----


ROW_WORDS = frozenset(
    {"absent", "aliases", "default", "from", "lossy", "missing", "otherwise", "region", "required", "scale", "set"}
    | {"table", "unlisted", "value", "zone"}
)
"""Keys that only some field rules have. Such a key may be unknown only because another key of the rule is misspelt."""

SAID_ELSEWHERE = 3
"""If this many other places agree on another name for a side, the name in `sides` is taken to be wrong."""


def document_of(node: Node) -> Document | None:
    """Return the places of a mapping's parts; None if the document is not a table."""
    if not isinstance(node, Table):
        return None
    name, sides, fields = (node.entries.get(key) for key in ("mapping", "sides", "fields"))
    parts = [_spot(key.place) for key in node.keys.values()]
    if isinstance(fields, Table):
        parts += [_spot(key.place) for key in fields.keys.values()]
    where = node.entries.get("where")
    for filter_ in where.entries.values() if isinstance(where, Table) else ():
        parts += [_spot(key.place) for key in filter_.keys.values()] if isinstance(filter_, Table) else []
    return Document(
        name=name.text if isinstance(name, Scalar) else "",
        start=_spot(node.place),
        sides=tuple((key.text, key.place) for key in sides.keys.values()) if isinstance(sides, Table) else (),
        parts=tuple(sorted(parts)),
    )


def mistakes(problems: Iterable[Problem], documents: Sequence[Document]) -> list[Problem]:
    """Return the problems without those that follow from others, each once, by file and line.

    A misspelt word explains the other problems of its field rule or key, and those of its mapping as a whole.
    """
    starts = sorted(documents, key=lambda document: document.start)
    places = [document.start for document in starts]
    told: dict[int, list[Problem]] = {}
    for problem in dict.fromkeys(problems):
        spot = spot_of(problem)
        at = bisect_right(places, spot) - 1
        known = at >= 0 and starts[at].start[0] == spot[0] and spot[1] > 0
        told.setdefault(at if known else -1, []).append(problem)
    kept = [problem for at, own in told.items() for problem in (_of(starts[at], own) if at >= 0 else own)]
    return sorted(kept, key=spot_of)


def spot_of(problem: Problem) -> Spot:
    """File, line and column of a problem; zeros where it has none."""
    return _spot(problem.where) if isinstance(problem.where, Place) else (problem.where, 0, 0)


def _spot(place: Place) -> Spot:
    return place.file, place.line, place.column


def _of(document: Document, problems: list[Problem]) -> list[Problem]:
    misnamed = _misnamed_side(document, problems)
    if misnamed is not None:
        return [misnamed]
    guessed = [(document.part_of(spot_of(problem)), guess) for problem in problems if (guess := _guess(problem))]
    guesses = Counter(part for part, _ in guessed)
    close = {part for part, guess in guessed if guess.near is not None}
    return [problem for problem in problems if not _follows(document, problem, guesses, close)]


def _follows(document: Document, problem: Problem, guesses: Counter[int], close: Container[int]) -> bool:
    """`guesses`: how many misspelt words each part has; `close`: parts with one that is nearly right."""
    part, guess = document.part_of(spot_of(problem)), _guess(problem)
    if guess is None:
        return guesses[part] > 0 or (part == 0 and bool(guesses))
    if problem.code == UNKNOWN_KEY and guess.word in ROW_WORDS:
        return guesses[part] > 1
    if problem.code == UNKNOWN_KEY and part in close and guess.near is None:
        return True  # a key of the word that is misspelt beside it
    return guesses.total() > 1 and not guess.known


def _misnamed_side(document: Document, problems: list[Problem]) -> Problem | None:
    """One problem instead of one for each place that calls a side by its right name."""
    names = dict(document.sides)
    words = Counter(
        (guess.word, guess.near)
        for problem in problems
        if (guess := _guess(problem)) and problem.code == UNKNOWN_KEY and guess.word not in names
    )
    for (word, name), number in words.most_common():
        if name in names and number >= SAID_ELSEWHERE:
            what = f"mapping {document.name} calls a side `{name}` here and `{word}` everywhere else"
            return Problem(names[name], what, f"write `{word}` here, or `{name}` everywhere")
    return None


def _guess(problem: Problem) -> Guess | None:
    return problem.remedy if isinstance(problem.remedy, Guess) else None
