"""Paths to columns: `name`, `address.city`, `emails.primary`, `phones.work`, `custom.Segment`, `custom."Nr. (ERP)"`.

A path reads a record's `Fields` and writes into the changes that go back, without disturbing what it does not name:
an object or a list goes back whole from the record just read, with the one item changed; `custom` merges by name at
the connector, so only the named own field goes.

Lists of {"value", "label", "primary"} are picked by label. `emails` and `phones` are such lists; of any other column
write `websites[work]`. `primary` is the item marked primary, whatever its label.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.mapping.values import UNREAD

_LISTS = frozenset({"emails", "phones"})
_STEP = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^".\[\]]+))(?:\[([^\[\]]+)\])?\s*(\.|$)')


class BadPath(ValueError):
    """The text is no path; the message says why and what to write."""


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

    def get(self, fields: Mapping[str, Any]) -> Any:
        """The raw value, None when empty, UNREAD when the record does not contain it."""
        value: Any = fields
        for step in self.steps:
            if value is None:
                return None
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
        if len(self.steps) == 1:
            changes[self.steps[0]] = raw
            return
        top, *inner, last = self.steps
        known: Any = fresh.get(top)
        if top not in changes and not self.own:
            changes[top] = known
        target = changes[top] = dict(changes.get(top) or {})
        for step in inner:
            known = known.get(step) if isinstance(known, Mapping) else None
            target[step] = dict(target.get(step) or known or {})
            target = target[step]
        target[last] = raw

    def _now(self, changes: Mapping[str, Any], fresh: Mapping[str, Any]) -> Any:
        whole = Path(self.text, self.steps)
        value = whole.get(changes)
        value = whole.get(fresh) if value is UNREAD else value
        return None if value is UNREAD else value


def _pick(items: Any, label: str) -> Mapping[str, Any] | None:
    for item in items:
        if isinstance(item, Mapping) and (
            item.get("primary") is True if label == "primary" else item.get("label") == label
        ):
            found: Mapping[str, Any] = item
            return found
    return None


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
            raise BadPath(f"`{text}` is no path to a column; {hint}")
        quoted, plain, label, dot = found.groups()
        steps.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain.strip())
        at = found.end()
        if not dot:
            break
    if label is None and len(steps) == 2 and steps[0] in _LISTS:
        label = steps.pop()
    return Path(text.strip(), tuple(steps), label)
