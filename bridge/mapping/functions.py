"""Named functions between a column and its field rule (`via:`): a closed table, and functions that the operator adds.

Reading applies a side's functions in the order written; writing applies their inverses in the opposite order. A side
with a function without an inverse is only read. Every function here returns a value or raises Untranslatable; `run`
turns every error of an operator's function into one clear message.
"""

import operator
from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.domain.guess import did_you_mean
from bridge.files.document import Node, Scalar, Table, plain
from bridge.mapping.model import SideColumns
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.types.kind import Kind, describe
from bridge.mapping.types.numbers import parse_boolean, parse_decimal, style_of
from bridge.mapping.values import Untranslatable

Step = Callable[[Any], Any]
Argument = str | int | Decimal | tuple[Any, ...] | None
NUMBERS = frozenset({"integer", "decimal", "money"})
TEXTS = NUMBERS | {"text", "email", "phone", "choice", "user", "country", "currency", "link"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function that an operator adds: from a column's value to the field's, and back (`inverse`; None: only read).

    Both get one non-empty value (for several columns, a tuple with None for empty ones). They return text, a whole
    number, a Decimal, true or false, a date, an instant, or None for nothing; the inverse for several columns returns a
    tuple. `examples`: pairs (column's value, field's value) that `bridge check` tries in both directions.
    """

    name: str
    function: Step
    inverse: Step | None = None
    examples: tuple[tuple[Any, Any], ...] = ()
    revision: str = ""
    """Changes with the function's code, so that bases are converted again. The loader of the module sets it."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """One line of the table. `make` gets the argument (None if `takes` is "nothing") and returns the function and its
    inverse.

    `several`: the side names several columns, and `make` gets their number as well. `fits`: the types that it can be
    used with. `samples`: values of the column for round-trip checks. `example`: for the docs, (as written, column's
    value, field's value).
    """

    make: Callable[..., tuple[Step, Step | None]]
    does: str
    example: tuple[str, Any, Any]
    takes: str = "nothing"
    several: bool = False
    fits: frozenset[str] = TEXTS
    samples: tuple[Any, ...] = ("Ana Lund", " x ", "12-34")


Functions = MappingOf[str, Function]


def text_of(raw: Any) -> str:
    """Return a text or a number as text. Raises Untranslatable for anything else."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        return format(raw, "f") if isinstance(raw, Decimal) else str(raw)
    raise Untranslatable(f"expected text, found {describe(raw)}")


def _both(change: Callable[[str], str]) -> Callable[[Any], tuple[Step, Step]]:
    """Return a maker of a function that does the same when reading and when writing."""

    def step(raw: Any) -> Any:
        return change(text_of(raw)) or None

    return lambda argument: (step, step)


def _trimmed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().split("\n"))


def _add(raw: Any, before: str, after: str) -> str:
    return f"{before}{text_of(raw)}{after}"


def _remove(raw: Any, before: str, after: str) -> str | None:
    text = text_of(raw)
    if not text.startswith(before) or not text.endswith(after) or len(text) < len(before) + len(after):
        place = f"start with `{before}`" if before else f"end with `{after}`"
        raise Untranslatable(f"{describe(text)} does not {place}")
    return text[len(before) : len(text) - len(after)] or None


def _affix(*, prefix: bool, add: bool) -> Callable[[str], tuple[Step, Step]]:
    def make(affix: str) -> tuple[Step, Step]:
        before, after = (affix, "") if prefix else ("", affix)
        adding: Step = lambda raw: _add(raw, before, after)  # noqa: E731 - two similar functions side by side
        removing: Step = lambda raw: _remove(raw, before, after)  # noqa: E731
        return (adding, removing) if add else (removing, adding)

    return make


def _zeros(*, add: bool) -> Callable[[int], tuple[Step, Step]]:
    def make(width: int) -> tuple[Step, Step]:
        def fill(raw: Any) -> str:
            return text_of(raw).rjust(width, "0")

        def strip(raw: Any) -> str:
            text = text_of(raw)
            return text.lstrip("0") or "0"

        return (fill, strip) if add else (strip, fill)

    return make


def _replace(words: tuple[str, str]) -> tuple[Step, Step]:
    old, new = words
    return (lambda raw: text_of(raw).replace(old, new) or None), (lambda raw: text_of(raw).replace(new, old) or None)


def _part(words: tuple[str, int]) -> tuple[Step, None]:
    separator, number = words

    def step(raw: Any) -> str | None:
        parts = text_of(raw).split(separator)
        at = number - 1 if number > 0 else len(parts) + number
        return (parts[at].strip() or None) if 0 <= at < len(parts) else None

    return step, None


def _cut(length: int) -> tuple[Step, Step]:
    step: Step = lambda raw: text_of(raw)[:length].rstrip() or None  # noqa: E731 - the same function both ways
    return step, step


def _multiply(factor: Decimal) -> tuple[Step, Step]:
    def step(raw: Any, work: Callable[[Decimal, Decimal], Decimal]) -> Decimal | None:
        found = parse_decimal(raw)  # None for blanks
        return None if found is None else work(found, factor)

    return (lambda raw: step(raw, operator.mul)), (lambda raw: step(raw, operator.truediv))


def _opposite(argument: None) -> tuple[Step, Step]:
    def step(raw: Any) -> bool | None:
        found = parse_boolean(raw)  # None for blanks
        return None if found is None else not found

    return step, step


def _join(separator: str | None, width: int) -> tuple[Step, Step]:
    """Return `join` and its inverse. The inverse fills the columns from the left; the last one gets the rest."""
    between = " " if separator is None else separator

    def join(raws: tuple[Any, ...]) -> str | None:
        return between.join(text for raw in raws if raw is not None and (text := text_of(raw).strip())) or None

    def split(value: Any) -> tuple[str | None, ...]:
        parts = [part.strip() or None for part in text_of(value).split(between, width - 1)]
        return (*parts, *[None] * (width - len(parts)))

    return join, split


def _first_filled(argument: None, width: int) -> tuple[Step, None]:
    return (lambda raws: next((raw for raw in raws if raw is not None and raw != ""), None)), None


BUILTIN: MappingOf[str, Builtin] = {
    "trim": Builtin(_both(_trimmed), "removes outer and repeated blanks, both ways",
                    ("trim", " Ana  Lund ", "Ana Lund")),
    "upper": Builtin(_both(str.upper), "to upper case, both ways", ("upper", "no-17", "NO-17")),
    "lower": Builtin(_both(str.lower), "to lower case, both ways", ("lower", "Ana@X.example", "ana@x.example")),
    "capitalize": Builtin(_both(str.title), "capitalizes each word, both ways",
                          ("capitalize", "ANA LUND", "Ana Lund")),
    "digits": Builtin(_both(lambda text: "".join(c for c in text if c.isdecimal())), "keeps only digits, both ways",
                      ("digits", "NO 923 609 016", "923609016")),
    "cut": Builtin(_cut, "cuts the text to this length, both ways", ("{cut: 5}", "Ana Lund", "Ana L"), "a length"),
    "add-prefix": Builtin(_affix(prefix=True, add=True), "reading adds it, writing removes it",
                          ("{add-prefix: C-}", "17", "C-17"), "text"),
    "remove-prefix": Builtin(_affix(prefix=True, add=False), "reading removes it, writing adds it",
                             ("{remove-prefix: C-}", "C-17", "17"), "text", samples=()),
    "add-suffix": Builtin(_affix(prefix=False, add=True), "reading adds it, writing removes it",
                          ("{add-suffix: ' AS'}", "Lund", "Lund AS"), "text"),
    "remove-suffix": Builtin(_affix(prefix=False, add=False), "reading removes it, writing adds it",
                             ("{remove-suffix: ' AS'}", "Lund AS", "Lund"), "text", samples=()),
    "add-zeros": Builtin(_zeros(add=True), "reading pads with leading zeros, writing removes them",
                         ("{add-zeros: 6}", "417", "000417"), "a length", samples=("417", "10")),
    "remove-zeros": Builtin(_zeros(add=False), "reading removes leading zeros, writing pads to this length",
                            ("{remove-zeros: 6}", "000417", "417"), "a length", samples=("000417", "000010")),
    "replace": Builtin(_replace, "reading replaces the first by the second, writing the second by the first",
                       ("{replace: [' ', '-']}", "12 34", "12-34"), "two texts"),
    "part": Builtin(_part, "a part of a text, counted from 1 or, from the end, from -1; only read",
                    ("{part: ['/', 2]}", "North/Oslo/0155", "Oslo"), "a text and a number"),
    "multiply": Builtin(_multiply, "exact; writing divides", ("{multiply: 100}", Decimal("0.25"), Decimal(25)),
                        "a number", fits=NUMBERS, samples=(0, 1, Decimal("0.25"), -40, 1250)),
    "not": Builtin(_opposite, "swaps true and false", ("not", True, False),
                   fits=frozenset({"boolean"}), samples=(True, False)),
    "join": Builtin(_join, "joins the columns with a separator (default: a blank); writing splits at it",
                    ("{columns: [last, first], via: {join: ', '}}", ("Lund", "Ana"), "Lund, Ana"),
                    "a separator or nothing", several=True, samples=(("Lund", "Ana"), ("Lund", None))),
    "first-filled": Builtin(_first_filled, "the first column that is not empty; only read",
                            ("{columns: [mobile, phone], via: first-filled}", (None, "22123456"), "22123456"),
                            several=True, fits=TEXTS | {"date", "instant", "boolean"},
                            samples=(("22123456", None),)),
}  # fmt: skip

_GIVEN = (str, int, Decimal, date)


def argument_of(name: str, raw: Any) -> Argument:
    """Return the argument in the form that the function needs. Raises ValueError, which says what to write."""
    takes = BUILTIN[name].takes
    texts = isinstance(raw, str) and raw != ""
    # 1 / 3 has no exact decimal form, so a number multiplied by 3 could not be divided back exactly.
    number = isinstance(raw, int | Decimal) and not isinstance(raw, bool) and raw != 0 and 1 / Decimal(raw) * raw == 1
    pair = raw if isinstance(raw, list) and len(raw) == 2 and isinstance(raw[0], str) and raw[0] else None
    fits = {
        "nothing": raw is None,
        "text": texts or isinstance(raw, int),
        "a separator or nothing": raw is None or texts,
        "a length": isinstance(raw, int) and 1 <= raw <= 10_000 and not isinstance(raw, bool),
        "a number": number,
        "two texts": pair is not None and isinstance(pair[1], str),
        "a text and a number": pair is not None and isinstance(pair[1], int) and pair[1] != 0,
    }[takes]
    if not fits:
        raise ValueError(f"write it like {BUILTIN[name].example[0]}")
    if takes == "text":
        return str(raw)
    return Decimal(raw) if takes == "a number" else tuple(raw) if isinstance(raw, list) else raw


def run(function: Function, step: Step, raw: Any) -> Any:
    """Run an operator's function on one value. Raises Untranslatable with one clear message if it does not work."""
    try:
        made = step(raw)
    except Untranslatable:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise Untranslatable(f"function {function.name} failed on {describe(raw)} with {text}") from None
    wrong = [item for item in (made if isinstance(made, tuple) else (made,)) if not _is_value(item)]
    if wrong:
        kinds = "text, a number, true or false, a date, an instant or None"
        made_of = f"made a {type(wrong[0]).__name__} of {describe(raw)}"
        raise Untranslatable(f"function {function.name} {made_of}; it must give {kinds}")
    return made


def _is_value(made: Any) -> bool:
    return made is None or isinstance(made, _GIVEN)


def example_problems(functions: Iterable[Function]) -> list[tuple[str, str, str]]:
    """Return (function, what, remedy) for every example that does not hold, and every function that cannot be tried."""
    problems: list[tuple[str, str, str]] = []
    for one in functions:
        if one.name in BUILTIN:
            problems.append((one.name, "this is the name of a built-in function", "give it another name"))
        if not one.examples:
            problems.append((one.name, "it has no examples", "add examples=((column's value, field's value),)"))
        for raw, value in one.examples:
            problems += _tried(one, one.function, raw, value, "")
            if one.inverse is not None:
                problems += _tried(one, one.inverse, value, raw, "the inverse: ")
    return problems


def _tried(one: Function, step: Step, given: Any, wanted: Any, what: str) -> list[tuple[str, str, str]]:
    try:
        made = run(one, step, given)
    except Untranslatable as error:
        return [(one.name, f"{what}{error}", "correct the function or its example")]
    if made == wanted and type(made) is type(wanted):
        return []
    told = f"{what}{describe(given)} became {describe(made)}, and the example says {describe(wanted)}"
    return [(one.name, told, "correct the function or its example; without a way back leave `inverse` out")]


# ---- Sides with functions, such as {columns: [last, first], via: {join: ' '}}, compiled ----


COLUMN_KEYS = frozenset({"column", "columns", "via"})

UNKNOWN_FUNCTION = "unknown_function"


@dataclass(frozen=True, slots=True)
class _Link:
    """One function of the chain, with its argument applied."""

    text: str
    identity: str
    forward: Step
    back: Step | None
    several: bool
    samples: tuple[Any, ...]


def through_functions(side: Section, kind: Kind, parse: Step, render: Step, functions: Functions) -> SideColumns | None:
    """Return one side of a field rule whose values pass through functions; None after a problem."""
    paths = _paths(side)
    if paths is None:
        return None
    items = side.items("via") if not isinstance(side.node("via"), Table) else (side.table.entries["via"],)
    chain = [_link(side, item, kind, functions, len(paths), first=not at) for at, item in enumerate(items)]
    side.finish()
    links = [link for link in chain if link is not None]
    if len(links) < len(chain) or not _joined(side, links, len(paths)):
        return None
    width = len(paths)
    back = _backwards(links, render, width)
    return SideColumns(
        paths,
        _forwards(links, parse),
        back or (lambda value: _only_read(links)),
        tuple(path.text for path in paths),
        via=tuple(link.identity for link in links),
        one_way=back is None,
        samples=links[0].samples if links else (),
        closed=any(link.text in functions for link in links),
        places=tuple(item.place for item in (side.items("columns") or side.items("column"))),
    )


def _paths(side: Section) -> tuple[Path, ...] | None:
    one, many = side.node("column"), side.items("columns")
    if (one is None) == (not many):
        side.problems.add(
            side.place, f"{side.what} must name one `column` or several `columns`", "write {column: NAME, via: trim}"
        )
        return None
    if one is not None:
        path = side.path("column")
        return None if path is None else (path,)
    texts = [(item.text, item.place) for item in many if isinstance(item, Scalar)]
    paths = [side.compile_path(text, place) for text, place in texts]
    found = tuple(path for path in paths if path is not None)
    return found if len(found) == len(many) else None


def _link(side: Section, item: Node, kind: Kind, functions: Functions, width: int, *, first: bool) -> _Link | None:
    name, raw = (item.text, None) if isinstance(item, Scalar) else _named(item)
    if name is None:
        remedy = "write a name, or {name: argument}, like {add-prefix: C-}"
        side.problems.add(item.place, f"`via` of {side.what} lists names of functions", remedy)
        return None
    if name in functions:
        one = functions[name]
        if raw is not None:
            side.problems.add(item.place, f"function {name} takes no argument", f"write {name}")
            return None
        back: Step | None = None if one.inverse is None else partial(run, one, one.inverse)
        samples = tuple(example[0] for example in one.examples)
        identity = f"{name} {one.revision}".strip()
        return _Link(name, identity, partial(run, one, one.function), back, width > 1 and first, samples)
    builtin = BUILTIN.get(name)
    if builtin is None:
        what = f"`{name}` of {side.what} is not a function"
        side.problems.add(item.place, what, did_you_mean(name, [*BUILTIN, *functions]), UNKNOWN_FUNCTION)
        return None
    try:
        argument = argument_of(name, raw)
    except ValueError as error:
        side.problems.add(item.place, f"`{name}` of {side.what} takes {builtin.takes}", str(error))
        return None
    if kind.name not in builtin.fits and not (kind.name == "set" and "separator" in kind.options):
        what = f"`{name}` of {side.what} does not go with type {kind.name}"
        side.problems.add(item.place, what, f"it goes with {', '.join(sorted(builtin.fits))}")
        return None
    forward, back = builtin.make(argument, width) if builtin.several else builtin.make(argument)
    if builtin.fits is NUMBERS:
        forward = _numbered(forward, style_of(kind.options))
    text = name if raw is None else f"{name}: {raw}"
    return _Link(text, text, forward, back, builtin.several, builtin.samples)


def _numbered(forward: Step, style: str | None) -> Step:
    """Return a function of numbers that reads texts in the style of the field rule."""

    def step(raw: Any) -> Any:
        number = parse_decimal(raw, style)
        return None if number is None else forward(number)

    return step


def _named(item: Node) -> tuple[str | None, Any]:
    """Return the name and argument of `{name: argument}`. An argument is one value or a list of values."""
    if not isinstance(item, Table) or len(item.entries) != 1:
        return None, None
    ((name, value),) = item.entries.items()
    return name, plain(value)


def _joined(side: Section, links: list[_Link], width: int) -> bool:
    """Return whether the first function makes one value of several columns, if there are several, and no other does."""
    if width > 1 and not (links and links[0].several):
        names = [name for name, one in BUILTIN.items() if one.several]
        what = f"{side.what} names {width} columns, but no function combines them into one value"
        side.problems.add(side.place, what, f"start `via` with {' or '.join(names)}")
        return False
    wrong = [link.text for at, link in enumerate(links) if link.several and (at > 0 or width == 1)]
    if wrong:
        what = f"`{wrong[0]}` of {side.what} combines several columns into one value"
        side.problems.add(side.place, what, "write columns: [one, two], and this function first")
    return not wrong


def _forwards(links: list[_Link], parse: Step) -> Step:
    steps = tuple(link.forward for link in links)

    def read(raw: Any) -> Any:
        for step in steps:
            raw = step(raw)
            if raw is None or raw == "":
                return None
        return parse(raw)

    return read


def _backwards(links: list[_Link], render: Step, width: int) -> Step | None:
    steps = []
    for link in reversed(links):
        if link.back is None:
            return None
        steps.append(link.back)
    nothing = (None,) * width

    def write(value: Any) -> tuple[Any, ...]:
        if value is None:
            return nothing
        raw = render(value)
        for step in steps:
            if raw is None:
                return nothing
            raw = step(raw)
        if width == 1:
            return (raw,)
        if not isinstance(raw, tuple) or len(raw) != width:
            raise Untranslatable(f"the inverse of {links[0].text} gave {describe(raw)} for {width} columns")
        return raw

    return write


def _only_read(links: list[_Link]) -> tuple[Any, ...]:
    names = ", ".join(link.text for link in links if link.back is None)
    raise Untranslatable(f"{names} has no way back")
