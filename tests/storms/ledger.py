"""What people did, what they saw when they did it, and what of it may stand in the end. Knows nothing of the bridge.

The only rule: an edit stands until somebody changes what he sees it to be. Edits nobody has changed so are *standing*;
in the end both sides show one of them. With exactly one standing edit, which is so wherever no two people edited the
same field past each other, the value is exact.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Place = tuple[str, str, str]  # side, kind, record


@dataclass(frozen=True)
class Edit:
    """`text`: as stored where it was entered. `over`: the edits it replaced, and those they replaced.

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
    """What a field of a record shows: which edit; `sure`: the bridge knows that it arrived there."""

    edit: Edit | None
    sure: bool = True


@dataclass
class Thing:
    """What happened to one thing of the world. Lists hold moments."""

    made: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    deleted: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    restored: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    merged: int = 0
    again: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # made once more, alike, on that side
    lost: int = 0  # how often it was the one that went into another
    absorbed: set[str] = field(default_factory=set)  # tags of those that went into it
    chosen: bool = False  # a person was asked which record is it, and took the others away
    must_go: bool = False
    renamed: bool = False  # a person put another record of one and the same thing into a reference


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
        """A person changed a record, or made it (`before` empty)."""
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
        """A merge filled an empty field of `into` with what `tag` held. Nobody entered it there: what people entered
        for it on the other side meanwhile stands as well."""
        self.edits[kind, into, name] += self.standing(kind, tag, name)

    def dies(self, place: Place, tag: str) -> None:
        """A record is deleted: what was entered in it just before may go with it, and what that replaced stands."""
        side, kind, record_id = place
        for edit in [edit for key, edits in self.edits.items() if key[:2] == (kind, tag) for edit in edits]:
            if (edit.side, edit.record_id) == (side, record_id):
                self.standing_too |= edit.over

    def takes_away(self, place: Place, tag: str) -> None:
        """A person says that a record is one too many: what was entered in it does not stand any more."""
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

        `read_at`: the state it had read is not newer than that. `told_at`: of edits until then a callback had told it
        before it read. What was entered since both it could not know of, and may overwrite.

        Returns what is not sure until the bridge has stored that the write was answered.
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
                if edit is not None:  # entered while the bridge was between its read and its write
                    self.standing_too.add(edit.number)
                elif value is None:  # the same, and what it overwrites with is what was there before anybody's entry
                    self.emptied.add((kind, tag, name))
            self.shown[place, name] = Shown(edit, sure=False)
            unsure.append(self.shown[place, name])
        return unsure

    def _source(self, kind: str, tag: str, name: str, value: Any, other: str) -> Edit | None:
        """The edit a value comes from: the latest with that value, those of the other side first."""
        found = [edit for edit in self.edits[kind, tag, name] if edit.value == value]
        if found:
            return max(found, key=lambda edit: (edit.side == other, edit.number))
        return None if value is None else self.by_value.get((name, value))

    # -- what stands ------------------------------------------------------------------------------------------------
    def standing(self, kind: str, tag: str, name: str) -> list[Edit]:
        edits = self.edits[kind, tag, name]
        replaced = {number for edit in edits for number in edit.over} - self.standing_too
        return [edit for edit in edits if edit.number not in replaced]


LOOSE = {("person", "company"), ("deal", "person"), ("deal", "company")}
"""References: what they name may be merged or deleted behind them."""
