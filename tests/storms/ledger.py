"""What people did, what they saw when they did it, and which edits may remain in the end. Knows nothing of the bridge.

The only rule: an edit stands until a person who sees it changes it. Edits that nobody has changed in this way are
*standing*; in the end both sides show one of them. If exactly one edit is standing, the value is exact. This is so
unless two people edited the same field without seeing each other's edit.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Place = tuple[str, str, str]  # side, kind, record


@dataclass(frozen=True)
class Edit:
    """`text`: as stored where it was entered. `over`: the edits that it replaced, and those that they had replaced.

    `record_id`: the record it was entered in.
    """

    number: int
    at: float
    side: str
    record_id: str
    value: Any
    text: str
    over: frozenset[int]


@dataclass
class Shown:
    """Which edit a field of a record shows. `sure`: the bridge knows that it arrived there."""

    edit: Edit | None
    sure: bool = True


@dataclass
class Thing:
    """What happened to one thing. Lists contain times."""

    made: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    deleted: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    restored: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    merged: int = 0
    again: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # created again there, with the same key
    lost: int = 0  # how often it was merged into another thing
    absorbed: set[str] = field(default_factory=set)  # tags of things that were merged into it
    chosen: bool = False  # a person had to say which record it is, and deleted the others
    must_go: bool = False
    renamed: bool = False  # a person changed a reference to another record of the same thing


class Ledger:
    def __init__(self) -> None:
        self.edits: dict[tuple[str, str, str], list[Edit]] = defaultdict(list)  # by kind, tag, field
        self.by_value: dict[tuple[str, Any], Edit] = {}
        self.shown: dict[tuple[Place, str], Shown] = {}
        self.things: dict[tuple[str, str], Thing] = defaultdict(Thing)
        self.standing_too: set[int] = set()
        self.emptied: set[tuple[str, str, str]] = set()
        self.unsure_records: dict[Place, float] = {}
        self.inventions: list[str] = []
        self._number = 0

    # -- people -----------------------------------------------------------------------------------------------------
    def person(
        self, place: Place, tag: str, before: dict[str, Any], after: dict[str, Any], texts: Any, at: float
    ) -> None:
        """A person changed a record, or created it (`before` is empty)."""
        side, kind, _ = place
        for name, value in after.items():
            if before.get(name) == value:
                continue
            seen = self.shown.get((place, name), Shown(None))
            over: set[int] = set()
            if seen.edit is not None:
                over |= seen.edit.over | ({seen.edit.number} if seen.sure else set())
            self._number += 1
            edit = Edit(self._number, at, side, place[2], value, texts(name), frozenset(over))
            self.edits[kind, tag, name].append(edit)
            self.by_value.setdefault((name, value), edit)
            self.shown[place, name] = Shown(edit)

    def fills(self, kind: str, tag: str, into: str, name: str) -> None:
        """A merge filled an empty field of `into` with the value of `tag`.

        Nobody entered it there, so entries for it on the other side stand as well.
        """
        self.edits[kind, into, name] += self.standing(kind, tag, name)

    def dies(self, place: Place, tag: str) -> None:
        """A record is deleted. Edits made in it just before may be lost with it, so those that they replaced stand."""
        side, kind, record_id = place
        for edit in [edit for key, edits in self.edits.items() if key[:2] == (kind, tag) for edit in edits]:
            if (edit.side, edit.record_id) == (side, record_id):
                self.standing_too |= edit.over

    def takes_away(self, place: Place, tag: str) -> None:
        """A person deletes a surplus record: edits made in it do not stand any more."""
        side, kind, record_id = place
        self.things[kind, tag].chosen = True
        for name in [name for k, t, name in self.edits if (k, t) == (kind, tag)]:
            kept = [edit for edit in self.edits[kind, tag, name] if (edit.side, edit.record_id) != (side, record_id)]
            self.edits[kind, tag, name] = kept

    # -- the bridge, as the products see it -------------------------------------------------------------------------
    def bridge(
        self, place: Place, tag: str, before: dict[str, Any], after: dict[str, Any], *, read_at: float, told_at: float
    ) -> list[Shown]:
        """The bridge's write changed a record.

        `read_at`: the state that it had read is not newer than this. `told_at`: edits until this time were reported
        before it read. It could not know of edits after both times, and may overwrite them.

        Returns what is not sure until the bridge has stored the answer of the write.
        """
        side, kind, record_id = place
        unsure = []
        for name, value in after.items():
            if before.get(name) == value:
                continue
            edit = self._source(kind, tag, name, value, "erp" if side == "crm" else "crm")
            if edit is None and value is not None and (kind, name) not in LOOSE:
                self.inventions.append(
                    f"{side} {kind} {record_id} ({tag}): the bridge wrote {name}={value!r}, which nobody entered"
                )
            last = self.shown.get((place, name))
            if last is not None and last.edit is not None and last.edit.at > max(read_at, told_at):
                if edit is not None:  # the edit was made between the bridge's read and its write
                    self.standing_too.add(edit.number)
                elif value is None:  # the same, and the bridge writes the empty value from before all edits
                    self.emptied.add((kind, tag, name))
            self.shown[place, name] = Shown(edit, sure=False)
            unsure.append(self.shown[place, name])
        return unsure

    def _source(self, kind: str, tag: str, name: str, value: Any, other: str) -> Edit | None:
        """The edit that a value comes from: the latest one with that value, edits of the other side first."""
        found = [edit for edit in self.edits[kind, tag, name] if edit.value == value]
        if found:
            return max(found, key=lambda edit: (edit.side == other, edit.number))
        return None if value is None else self.by_value.get((name, value))

    # -- standing edits ---------------------------------------------------------------------------------------------
    def standing(self, kind: str, tag: str, name: str) -> list[Edit]:
        edits = self.edits[kind, tag, name]
        replaced = {number for edit in edits for number in edit.over} - self.standing_too
        return [edit for edit in edits if edit.number not in replaced]


LOOSE = {("person", "company"), ("deal", "person"), ("deal", "company")}
"""References: the records that they name may be merged or deleted."""
