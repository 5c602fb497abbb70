"""Checks what must hold after the storm and one full reconcile."""

from typing import Any

from bridge.simulators.faults import Trim
from tests.storms.eyes import CRM_TABLE, ERP_TABLE, FIELDS, KEYS, KINDS, SIDES, Eyes
from tests.storms.ledger import LOOSE, Edit, Ledger

TEXTS = ("name", "address")


class Judge:
    """`trims`: by side and table, how it shortens texts. `unread`: (kind, field) that the erp never shows.

    `holds`: whether the mappings hold duplicates of one side.
    """

    def __init__(
        self, eyes: Eyes, ledger: Ledger, trims: dict[tuple[str, str], Trim], unread: set[Any], *, holds: bool = True
    ) -> None:
        self.eyes, self.ledger, self.trims, self.unread, self.holds = eyes, ledger, trims, unread, holds
        self.exact = self.open = 0

    def problems(self) -> list[str]:
        found = list(self.ledger.inventions)
        for kind in KINDS:
            here, there = self._by_tag("crm", kind), self._by_tag("erp", kind)
            tags = here.keys() | there.keys() | {tag for k, tag in self.ledger.things if k == kind}
            for tag in sorted(tags, key=lambda tag: int(tag[1:])):
                found += self._thing(kind, tag, here.get(tag, []), there.get(tag, []))
        return found

    def _by_tag(self, side: str, kind: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for record_id in self.eyes.all(side, kind):
            found.setdefault(self.eyes.tag(side, kind, record_id), []).append(record_id)
        return found

    # -- records ----------------------------------------------------------------------------------------------------
    def _thing(self, kind: str, tag: str, crm: list[str], erp: list[str]) -> list[str]:
        thing, found = self.ledger.things[kind, tag], []
        live = {"crm": crm, "erp": erp}
        twice = sum(thing.made.values()) > 1 and not thing.chosen
        for side in SIDES:
            extra = sum([*thing.restored.values(), *thing.again.values(), thing.merged, twice])
            if len(live[side]) > 1 + extra:
                found.append(f"{kind} {tag} is in {side} {len(live[side])} times: {live[side]}")
            back = thing.deleted[side] and live[side] and not extra
            if back:
                found.append(f"{kind} {tag} was deleted in {side} and is there again: {live[side]}")
        if (
            thing.must_go
            and erp
            and not thing.renamed
            and not (extra or thing.deleted["erp"])
            and not self._edited_since(kind, tag)
        ):
            found.append(f"{kind} {tag} was deleted in crm and nobody touched it in erp, where it still is")
        if thing.again:
            found += self._again(kind, tag, live)
        apart = twice and any(thing.deleted.values())  # the remaining two records may be of two pairs
        if len(crm) == len(erp) == 1 and not (thing.lost or apart):
            return found + self._in_sync(kind, tag, crm[0], erp[0])
        touched = any(thing.deleted.values()) or thing.merged or twice
        if (not crm or not erp) and not touched:
            found.append(f"{kind} {tag} is only in {'crm' if crm else 'erp' if erp else 'neither product'}")
        return found

    def _again(self, kind: str, tag: str, live: dict[str, list[str]]) -> list[str]:
        """Check how often a thing exists that was created again on its own side, if nothing else happened to it."""
        thing, edits = self.ledger.things[kind, tag], self.ledger.edits[kind, tag, KEYS[kind]]
        edited = len({edit.value for edit in edits}) > 1
        if any(thing.deleted.values()) or thing.merged or len(thing.made) > 1 or edited:
            return []
        (own,) = thing.made
        there = 1 if self.holds else thing.made[own]
        other = "erp" if own == "crm" else "crm"
        if (len(live[own]), len(live[other])) == (thing.made[own], there):
            return []
        said = f"{kind} {tag} was made {thing.made[own]} times in {own}, and is there {len(live[own])} times"
        return [f"{said} and {len(live[other])} times in {other}, where it should be {there} times"]

    def held(self, side: str, kind: str, record_id: str) -> bool:
        """Whether a record is rightly held: another one of its side shows the same key."""
        one = self._keys(side, kind, record_id)
        return self.holds and any(
            one & self._keys(side, kind, other) for other in self.eyes.all(side, kind) if other != record_id
        )

    def several(self, side: str, kind: str, record_id: str) -> bool:
        """Whether several records of the other side show its key, so that the counterpart is not known."""
        other, one = ("erp" if side == "crm" else "crm"), self._keys(side, kind, record_id)
        return sum(bool(one & self._keys(other, kind, each)) for each in self.eyes.all(other, kind)) > 1

    def _keys(self, side: str, kind: str, record_id: str) -> set[tuple[Any, ...]]:
        name = self.eyes.text(side, kind, record_id, "name").strip().lower()
        values = self.eyes.values(side, kind, record_id)
        if kind == "company":
            return {(name,)}
        keys = {("email", values["email"]), ("name", name, values["company"])}
        return {key for key in keys if all(key)}

    def _edited_since(self, kind: str, tag: str) -> bool:
        gone = max(self.ledger.things[kind, tag].deleted["crm"])
        edits = [edit for name in FIELDS[kind] for edit in self.ledger.edits[kind, tag, name]]
        return any(edit.side == "erp" and edit.at >= gone for edit in edits)

    # -- fields -----------------------------------------------------------------------------------------------------
    def _entered_here(self, kind: str, tag: str, name: str, erp: str) -> list[Edit]:
        """The standing edits in a record whose former counterpart was merged into this thing.

        The merge makes that record this thing's counterpart, and people may have edited it before.
        """
        others = self.ledger.things[kind, tag].absorbed
        edits = [edit for other in sorted(others) for edit in self.ledger.standing(kind, other, name)]
        return [edit for edit in edits if (edit.side, edit.record_id) == ("erp", erp)]

    def _in_sync(self, kind: str, tag: str, crm: str, erp: str) -> list[str]:
        one, two, found = self.eyes.values("crm", kind, crm), self.eyes.values("erp", kind, erp), []
        again = self.ledger.things[kind, tag].restored
        for name in FIELDS[kind]:
            where = f"{kind} {tag} (crm {crm}, erp {erp}): {name}"
            if (kind, name) in self.unread:
                continue
            if (kind, name) in LOOSE and self._unclear(kind, tag, name, {one[name], two[name]}):
                continue
            if one[name] != two[name]:
                found.append(f"{where} is {one[name]!r} in crm and {two[name]!r} in erp")
                continue
            standing = [*self.ledger.standing(kind, tag, name), *self._entered_here(kind, tag, name, erp)]
            if one[name] is None and (kind, tag, name) in self.ledger.emptied:
                continue
            if standing and not any(again.values()) and one[name] not in [edit.value for edit in standing]:
                wanted = [(edit.at, edit.side, edit.value) for edit in standing]
                found.append(f"{where} is {one[name]!r}, but people wanted {wanted}")
            if not standing and one[name] is not None and (kind, name) not in LOOSE:
                found.append(f"{where} is {one[name]!r}, which nobody entered")
            self.exact, self.open = self.exact + (len(standing) == 1), self.open + (len(standing) > 1)
            if name in TEXTS:
                found += self._texts(where, kind, tag, name, crm, erp)
        return found

    def _unclear(self, kind: str, tag: str, name: str, shown: set[Any]) -> bool:
        """Whether anything that this reference ever named was deleted, merged or created twice.

        shown: what it names now. A merge may have filled it with a record that was deleted then and exists again.
        """
        to = "person" if name == "person" else "company"
        named = ({edit.value for edit in self.ledger.edits[kind, tag, name]} | shown) - {None}
        things = [self.ledger.things[to, one] for one in named]
        return any(any(thing.deleted.values()) or thing.merged or sum(thing.made.values()) > 1 for thing in things)

    def _texts(self, where: str, kind: str, tag: str, name: str, crm: str, erp: str) -> list[str]:
        """A text must be whole on the side where it was entered, and on the other side as that product stores it."""
        value = self.eyes.values("crm", kind, crm)[name]
        sources = [edit for edit in self.ledger.edits[kind, tag, name] if edit.value == value]
        if not sources:
            return []
        for side, record_id in (("crm", crm), ("erp", erp)):
            shown = self.eyes.text(side, kind, record_id, name)
            forms = {text.strip() for edit in sources for text in self._forms(side, record_id, kind, name, edit)}
            if shown.strip() not in forms:
                return [f"{where} reads {shown!r} in {side}, entered as {[edit.text for edit in sources]}"]
        return []

    def _forms(self, side: str, record_id: str, kind: str, name: str, edit: Edit) -> list[str]:
        """How this side may show an entry. If entered here in a record that is gone, it may be back, shortened."""
        if edit.side != side:
            return [self._kept(side, kind, name, edit.text)]
        other = "erp" if side == "crm" else "crm"
        returned = self._kept(side, kind, name, self._kept(other, kind, name, edit.text))
        back = [] if edit.record_id == record_id else [returned]
        return [edit.text, *back]

    def _kept(self, side: str, kind: str, name: str, text: str) -> str:
        table = (CRM_TABLE if side == "crm" else ERP_TABLE)[kind]
        trim = self.trims.get((side, table))
        if trim is None:
            return text
        text = text.strip() if trim.strip else text
        column = {("crm", "deal", "name"): "title", ("crm", "company", "address"): "value"}.get(
            (side, kind, name), name
        )
        return text[: trim.lengths[column]] if column in trim.lengths else text
