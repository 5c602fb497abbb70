"""Compiles sides with functions: `{column: code, via: [trim, upper]}`, `{columns: [last, first], via: {join: ' '}}`."""

from functools import partial
from typing import Any

from bridge.domain.guess import did_you_mean
from bridge.domain.values import dataclass
from bridge.files.document import Node, Scalar, Table, plain
from bridge.mapping.functions import BUILTIN, NUMBERS, Functions, Step, argument_of, run
from bridge.mapping.model import SideColumns
from bridge.mapping.paths import Path
from bridge.mapping.section import Section
from bridge.mapping.types.kind import Kind, describe
from bridge.mapping.types.numbers import parse_decimal, style_of
from bridge.mapping.values import Untranslatable

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
