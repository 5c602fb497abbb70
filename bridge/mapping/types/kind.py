"""A type: plain functions between raw column values, canonical values and stored text."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from bridge.domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A value in several columns, or in a column of another form. `join` and `split` translate between the raw values,
    in the order of `parts`, and one canonical value.

    `join` gets at least one non-empty raw value. `split` gets None to clear the columns; it returns LEAVE for a part
    that must not be written.
    """

    parts: tuple[str, ...]
    join: Callable[[tuple[Any, ...]], Any]
    split: Callable[[Any], tuple[Any, ...]]


def never(sent: Any, shown: Any) -> bool:
    """Return False: `reduces` of types that no server reduces."""
    return False


def as_is(value: Any) -> Any:
    """Return the value: for types whose raw, canonical or stored form is the same."""
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """A type with its options applied. No function ever gets an empty value, except `Shape.split`.

    parse: raw value of one column -> canonical; raises Untranslatable. render: canonical -> raw. fold: stable text for
    match keys. dump/load: to and from an exact form for JSON. reduces(sent, shown): shown is what a server makes of
    sent by trimming, folding, cutting or rounding. same: equality. shapes: by the names of their parts. form: 1, and
    one more whenever a release gives the same column another canonical value. It is part of a field rule's fingerprint,
    so that values stored in the former form are converted and not taken for an edit.
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
