"""What a type is: plain functions between raw column values, canonical values and stored text."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from bridge.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A value kept in several columns: raw values in the order of `parts` to one canonical value and back.

    `join` gets at least one non-empty raw value. `split` gets None to clear; it gives LEAVE for a part to leave alone.
    """

    parts: tuple[str, ...]
    join: Callable[[tuple[Any, ...]], Any]
    split: Callable[[Any], tuple[Any, ...]]


def never(sent: Any, shown: Any) -> bool:
    """For types no server reduces."""
    return False


def as_is(value: Any) -> Any:
    """For types whose raw, canonical or stored form is the same."""
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """A type with its options applied. No function ever gets an empty value, except `Shape.split`.

    parse: raw value of one column -> canonical; raises Untranslatable. render: the way back. fold: stable text for
    match keys. dump/load: exact JSON-able form. reduces(sent, shown): shown is what a server makes of sent by
    trimming, folding, cutting or rounding. shapes: by the names of parts, for values kept in several columns. form: 1,
    and one more whenever a release gives the same column another canonical value: it is part of a row's fingerprint,
    so that what links remember under the former one is understood anew instead of taken for an edit.
    """

    name: str
    parse: Callable[[Any], Any]
    render: Callable[[Any], Any] = as_is
    fold: Callable[[Any], str] = str
    dump: Callable[[Any], Any] = as_is
    load: Callable[[Any], Any] = as_is
    reduces: Callable[[Any, Any], bool] = never
    same: Callable[[Any, Any], bool] = operator.eq
    shapes: Mapping[frozenset[str], Shape] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    form: int = 1
