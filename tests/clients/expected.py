"""Compares an answer with what it must show."""

from collections.abc import Iterator, Mapping
from typing import Any


def filled(value: Any, kept: Mapping[str, Any]) -> Any:
    """Return the value with earlier answers in place of their names; KeyError when one is missing."""
    if isinstance(value, str) and value.startswith("$"):
        return _found(value[1:], kept)
    if isinstance(value, dict):
        return {str(filled(name, kept)): filled(one, kept) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(filled(one, kept) for one in value)
    return value


def _found(path: str, kept: Mapping[str, Any]) -> Any:
    """Find a part: `0` is an item of a list by its place, `key=title` the item with that value."""
    here: Any = kept
    for part in path.split("."):
        try:
            name, is_value, value = part.partition("=")
            if is_value:
                here = next(one for one in here if str(one[name]) == value)
            else:
                here = here[int(part)] if isinstance(here, list) else here[part]
        except (LookupError, TypeError, StopIteration) as error:
            raise KeyError(f"${path}, of an earlier call") from error
    return here


def misses(wanted: Any, got: Any, path: str = "data") -> Iterator[str]:
    """Return what is wanted and missing: an object by its keys, a list by items among others, a tuple by exactly these
    items in this order, `...` by any value but null.
    """
    if wanted is ...:
        if got is None:
            yield f"{path} is null or missing"
    elif isinstance(wanted, dict):
        if not isinstance(got, dict):
            yield f"{path} is {_short(got)}, not an object"
            return
        for name, one in wanted.items():
            yield from misses(one, got.get(name), f"{path}.{name}")
    elif isinstance(wanted, list | tuple):
        yield from _of_list(wanted, got, path)
    elif wanted != got or isinstance(wanted, bool) is not isinstance(got, bool):
        yield f"{path} is {_short(got)}, not {_short(wanted)}"


def _of_list(wanted: list[Any] | tuple[Any, ...], got: Any, path: str) -> Iterator[str]:
    if not wanted and got is None:
        return
    if not isinstance(got, list):
        yield f"{path} is {_short(got)}, not a list"
    elif isinstance(wanted, tuple):
        if len(got) != len(wanted):
            yield f"{path} has {len(got)} items, not {len(wanted)}"
        for at, (one, there) in enumerate(zip(wanted, got, strict=False)):
            yield from misses(one, there, f"{path}[{at}]")
    else:
        for one in wanted:
            if all(list(misses(one, there)) for there in got):
                yield f"{path} has no item with {_short(one)}"


def _short(value: Any) -> str:
    return repr(value)[:80]
