"""Paths to columns: `name`, `address.city`, `emails.primary`, `phones.work`, `custom.Segment`, `custom."Nr. (ERP)"`.

A path reads a record's `Fields` and writes into the changes that are sent, without changing what it does not name. An
object or a list is sent whole, from the record just read with one item changed. Connectors merge `custom` by name, so
only the named custom field is sent.

Items of lists of {"value", "label", "primary"} are picked by label: `emails.work`, `mobile_phones.private`,
`urls.primary`. For a list whose name does not end in emails or phones, write `urls[work]`. `primary` is the item marked
primary, whatever its label; if none is marked, the first filled item, as the vendors' own pages show it.
Items of any other list are picked by number, counted from 1: `items.1.price` or `items[1].price`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.frozen import dataclass
from bridge.mapping.values import UNREAD

_LISTS = ("emails", "phones")  # names of lists of labelled items end in these, as in `mobile_phones`
_STEP = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^".\[\]]+))(?:\[([^\[\]]+)\])?\s*(\.|$)')


_POSITION = re.compile("[1-9][0-9]{0,3}")
_ITEM = "\0"  # a step that begins with this is the number of an item; no name begins with it


class BadPath(ValueError):
    """The text is not a path. `remedy`: what to write instead."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path. `steps` lead through nested objects; `label` then picks an item of the list there."""

    text: str
    steps: tuple[str, ...]
    label: str | None = None

    @property
    def top(self) -> str:
        """The first step: the top-level column, such as `emails` for `emails.work`, or `custom`."""
        return self.steps[0]

    @property
    def custom(self) -> bool:
        """Whether the path names a custom field."""
        return self.steps[0] == "custom" and len(self.steps) > 1

    @property
    def column(self) -> str:
        """The key of this column in the list of columns of a manifest or an account."""
        return f"custom.{self.steps[1]}" if self.custom else self.steps[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The steps without the numbers of items."""
        return tuple(step for step in self.steps if _position(step) is None)

    @property
    def whole(self) -> tuple[str, ...]:
        """The steps to the column or list that is written as one piece: `items` of `items[1].price`."""
        at = next((at for at, step in enumerate(self.steps) if _position(step) is not None), len(self.steps))
        return self.steps[:at]

    def get(self, fields: Mapping[str, Any]) -> Any:
        """Return the raw value; None if it is empty, UNREAD if the record does not contain it."""
        value: Any = fields
        for step in self.steps:
            if value is None:
                return None
            at = _position(step)
            if at is not None:
                if not isinstance(value, list | tuple):
                    return UNREAD
                value = value[at] if at < len(value) else None
                continue
            if not isinstance(value, Mapping):
                return UNREAD
            value = value.get(step, UNREAD)
            if value is UNREAD:
                return UNREAD
        if self.label is None:
            return value
        if value is not None and not isinstance(value, list | tuple):
            return UNREAD
        item = _pick(value or (), self.label)
        return None if item is None else item.get("value")

    def put(self, changes: dict[str, Any], fresh: Mapping[str, Any], raw: Any) -> None:
        """Write `raw` into `changes`. The rest of its object or list comes from `changes`, or else from `fresh`."""
        if self.label is not None:
            raw = _with_item(self._now(changes, fresh) or (), self.label, raw)
        top, *inner = self.steps
        if not inner:
            changes[top] = raw
        elif self.custom:
            known = fresh.get(top)
            field, *inner = inner
            before = known.get(field) if isinstance(known, Mapping) else None
            before = (changes.get(top) or {}).get(field, before)
            changes[top] = {**(changes.get(top) or {}), field: _placed(before, inner, raw)}
        else:
            changes[top] = _placed(changes.get(top, fresh.get(top)), inner, raw)

    def _now(self, changes: Mapping[str, Any], fresh: Mapping[str, Any]) -> Any:
        whole = Path(self.text, self.steps)
        value = whole.get(changes)
        value = whole.get(fresh) if value is UNREAD else value
        return None if value is UNREAD else value


def _position(step: str) -> int | None:
    """Return the number of an item, counted from 0; None if the step is a name."""
    return int(step[1:]) - 1 if step.startswith(_ITEM) else None


def _placed(known: Any, steps: Sequence[str], raw: Any) -> Any:
    """Return a copy of `known` with `raw` in its place. Missing items are added, but not for an empty value."""
    if not steps:
        return raw
    step, *inner = steps
    at = _position(step)
    if at is None:
        table = dict(known) if isinstance(known, Mapping) else {}
        return {**table, step: _placed(table.get(step), inner, raw)}
    items = list(known) if isinstance(known, list | tuple) else []
    if at >= len(items) and (raw is None or raw == ""):
        return items
    items += [{} if inner else None for _ in range(at + 1 - len(items))]
    return [*items[:at], _placed(items[at], inner, raw), *items[at + 1 :]]


def _pick(items: Any, label: str) -> Mapping[str, Any] | None:
    """Return the item with that label. `primary` is the item marked so, else the first. Filled items are preferred."""
    found = [item for item in items if isinstance(item, Mapping)]
    filled = [item for item in found if _holds(item.get("value"))]
    if label != "primary":
        return next((item for item in (*filled, *found) if item.get("label") == label), None)
    marked = [item for item in found if item.get("primary")]
    return next(iter((*[item for item in marked if item in filled], *filled, *marked)), None)


def _holds(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and (not value or value.isspace()))


def _with_item(items: Any, label: str, raw: Any) -> list[dict[str, Any]]:
    """Return the list with one item changed, added or (raw is None) removed. The other items keep their order."""
    old = _pick(items, label)
    if raw is None or raw == "":
        return [dict(item) for item in items if item is not old]
    if old is not None:
        return [{**item, "value": raw} if item is old else dict(item) for item in items]
    name = "work" if label == "primary" else label
    return [*(dict(item) for item in items), {"value": raw, "label": name, "primary": label == "primary" or not items}]


def parse_path(text: str) -> Path:
    """Compile a path; raises BadPath."""
    steps: list[str] = []
    label: str | None = None
    at = 0
    while True:
        found = _STEP.match(text, at)
        if found is None or label is not None:
            hint = 'write names joined by dots, with names that contain dots in quotes: custom."Nr. (ERP)"'
            raise BadPath(f"`{text}` is not a path to a column", hint)
        quoted, plain, label, dot = found.groups()
        steps.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain.strip())
        own = len(steps) == 2 and steps[0] == "custom"  # a custom field may be called 2026
        if quoted is None and len(steps) > 1 and not own and _POSITION.fullmatch(steps[-1]):
            steps[-1] = f"{_ITEM}{steps[-1]}"
        if label is not None and _POSITION.fullmatch(label):
            steps.append(f"{_ITEM}{label}")
            label = None
        at = found.end()
        if not dot:
            break
    if label is None and len(steps) == 2 and (steps[1] == "primary" or steps[0].endswith(_LISTS)):
        label = steps.pop()
    return Path(text.strip(), tuple(steps), label)
