"""Leaves out problems of mapping files that only follow from another one, so that each mistake is reported once."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Sequence

from bridge.domain.errors import Problem
from bridge.domain.guess import Guess
from bridge.domain.values import dataclass
from bridge.files.document import Node, Place, Scalar, Table
from bridge.mapping.section import UNKNOWN_KEY

Spot = tuple[str, int, int]

ROW_WORDS = frozenset(
    {"absent", "aliases", "default", "from", "lossy", "missing", "otherwise", "region", "required", "scale", "set"}
    | {"table", "unlisted", "value", "zone"}
)
"""Keys that only some field rules have. Such a key may be unknown only because another key of the rule is misspelt."""

SAID_ELSEWHERE = 3
"""If this many other places agree on another name for a side, the name in `sides` is taken to be wrong."""


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
