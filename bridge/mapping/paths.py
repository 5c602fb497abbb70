"""Paths to columns: `name`, `address.city`, `emails.primary`, `phones.work`, `custom.Segment`, `custom."Nr. (ERP)"`.

A path reads a record's `Fields` and writes into the changes that go back, without disturbing what it does not name:
an object or a list goes back whole from the record just read, with the one item changed; `custom` merges by name at
the connector, so only the named own field goes.

Lists of {"value", "label", "primary"} are picked by label: `emails.work`, `mobile_phones.private`, `urls.primary`; of a
list that is not called emails or phones write `urls[work]`. `primary` is the item marked primary, whatever its label;
where none is marked, the first that holds something, as the vendors' own pages show it.
Items of any other list are picked by their number, counted from 1: `items.1.price` or `items[1].price`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.values import dataclass
from bridge.mapping.values import UNREAD

_LISTS = ("emails", "phones")  # how lists of labelled items are called, also `mobile_phones`
_STEP = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^".\[\]]+))(?:\[([^\[\]]+)\])?\s*(\.|$)')


_POSITION = re.compile("[1-9][0-9]{0,3}")
_ITEM = "\0"  # begins a step that is the number of an item; no name does


class BadPath(ValueError):
    """The text is not a path. `remedy`: what to write instead."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


@dataclass(frozen=True, slots=True)
class Path:
    """`steps` lead through nested objects; `label` then picks an item of the list found there."""

    text: str
    steps: tuple[str, ...]
    label: str | None = None

    @property
    def top(self) -> str:
        """The column the vendor knows: `custom."Nr."` is a column of its own, `emails.work` is part of `emails`."""
        return self.steps[0]

    @property
    def own(self) -> bool:
        """True for an own field of the account."""
        return self.steps[0] == "custom" and len(self.steps) > 1

    @property
    def column(self) -> str:
        """The key of this column in a manifest's or account's list of columns."""
        return f"custom.{self.steps[1]}" if self.own else self.steps[0]

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
        """The raw value, None when empty, UNREAD when the record does not contain it."""
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
        """Write `raw` into `changes`; what it must carry along comes from `changes` so far, else from `fresh`."""
        if self.label is not None:
            raw = _with_item(self._now(changes, fresh) or (), self.label, raw)
        top, *inner = self.steps
        if not inner:
            changes[top] = raw
        elif self.own:
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
    """Counted from 0; None when the step is a name."""
    return int(step[1:]) - 1 if step.startswith(_ITEM) else None


def _placed(known: Any, steps: Sequence[str], raw: Any) -> Any:
    """A copy of `known` with `raw` in its place; what is not there yet is made, but not for emptiness."""
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
    """The item with that label; as `primary` the one marked, else the first. One that holds something goes first."""
    found = [item for item in items if isinstance(item, Mapping)]
    filled = [item for item in found if _holds(item.get("value"))]
    if label != "primary":
        return next((item for item in (*filled, *found) if item.get("label") == label), None)
    marked = [item for item in found if item.get("primary")]
    return next(iter((*[item for item in marked if item in filled], *filled, *marked)), None)


def _holds(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and (not value or value.isspace()))


def _with_item(items: Any, label: str, raw: Any) -> list[dict[str, Any]]:
    """The list with one item changed, added or (raw None) removed; the other items as they are, in their order."""
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
        own = len(steps) == 2 and steps[0] == "custom"  # an own field may be called 2026
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
