"""People work in both products: they create, edit, delete, merge and restore records. The ledger notes it."""

import random
from typing import Any

from tests.storms.eyes import CRM_TABLE, ERP_TABLE, KEYS, REFERENCES, Eyes
from tests.storms.ledger import Ledger, Place
from tests.storms.site import Site

CURRENCIES = ("EUR", "NOK", "USD")
AGAIN = 0.08
"""How likely, after each act, a person creates an existing thing once more."""
HANDS_OFF_SECONDS = 400.0
"""How long people leave a copy alone whose create may have lost its answer: once changed, it may be created again."""


class People:
    """`again`: randomness by which people create a thing once more on its own side; None: they do not."""

    def __init__(
        self,
        site: Site,
        eyes: Eyes,
        ledger: Ledger,
        chance: random.Random,
        *,
        erp_phone: bool,
        again: random.Random | None = None,
    ) -> None:
        self.site, self.eyes, self.ledger, self.chance = site, eyes, ledger, chance
        self.erp_phone, self._again = erp_phone, again
        self.log: list[str] = []
        self._number = 0
        self._tags = 0

    # -- single acts ------------------------------------------------------------------------------------------------
    def act(self) -> None:
        acts = {
            self._make: 5,
            self._edit: 16,
            self._delete: 1.2,
            self._restore: 0.5,
            self._merge: 0.5,
            self._make_on_both: 0.6,
        }
        chosen = self.chance.choices(list(acts), list(acts.values()))[0]
        chosen(self.chance.choice(("crm", "erp")))
        if self._again is not None and self._again.random() < AGAIN:
            self._make_again(self._again, self._again.choice(("crm", "erp")))

    def now(self) -> float:
        return self.site.clock.monotonic()

    def _say(self, text: str) -> None:
        self.log.append(f"{self.now():.2f} {text}")

    def next(self) -> int:
        self._number += 1
        return self._number

    def _make(self, side: str) -> None:
        kind = self.chance.choice(("company", "person", "person", "deal", "deal"))
        self._tags += 1
        self._create(side, kind, f"T{self._tags}", self._entries(side, kind, f"T{self._tags}"))

    def _make_on_both(self, side: str) -> None:
        """Two people create the same thing, one in each product."""
        self._tags += 1
        kind, tag = self.chance.choice(("company", "person")), f"T{self._tags}"
        entries = {"name": f"{tag} v{self.next()}"}
        if kind == "person":
            entries["email"] = f"e{self.next()}@x.example"
        self._create(side, kind, tag, entries)
        self._create("erp" if side == "crm" else "crm", kind, tag, entries)

    def _make_again(self, chance: random.Random, side: str) -> None:
        """A person does not see that a thing exists, and creates it a second time."""
        kind = chance.choice(("company", "person"))
        field = KEYS[kind]
        found = [record_id for record_id in self.eyes.all(side, kind) if self.eyes.values(side, kind, record_id)[field]]
        if not found:
            return
        record_id = chance.choice(found)
        tag = self.eyes.tag(side, kind, record_id)
        entries = {"name": self.eyes.text(side, kind, record_id, "name")}
        if kind == "person":
            entries = {"name": f"{tag} v{self.next()}", "email": self.eyes.values(side, kind, record_id)["email"]}
        self.ledger.things[kind, tag].again[side] += 1
        self._create(side, kind, tag, entries)

    def _create(self, side: str, kind: str, tag: str, entries: dict[str, Any]) -> None:
        fields = self._columns(side, kind, entries)
        if side == "erp" and kind != "deal":
            fields["type"] = "person" if kind == "person" else "organization"
        made = self._product(side).person_creates(self._table(side, kind), fields)
        place = (side, kind, str(made["id"]))
        self.ledger.things[kind, tag].made[side] += 1
        self._note(place, tag, {})
        self._say(f"make {place} {tag} {self.eyes.values(*place)}")

    def _edit(self, side: str) -> None:
        place = self._some(side, self.chance.choice(("company", "person", "person", "deal", "deal", "deal")))
        if place is None:
            return
        kind, tag = place[1], self.eyes.tag(*place)
        every = self._entries(side, kind, tag, blanks=True)
        names = self.chance.sample(sorted(every), min(len(every), self.chance.choice((1, 1, 1, 2))))
        before, named = self.eyes.values(*place), self._references(place)
        fields = self._columns(side, kind, {name: every[name] for name in names})
        self._product(side).person_edits(self._table(side, kind), place[2], fields)
        self._note(place, tag, before)
        after = self.eyes.values(*place)
        if before == after and named != self._references(place):
            self.ledger.things[kind, tag].renamed = True
        self._say(f"edit {place} {tag} { {n: (before[n], after[n]) for n in after if before[n] != after[n]} }")

    def _references(self, place: Place) -> list[Any]:
        """The records that its references name."""
        raw = self.eyes.raw(*place) or {}
        return [raw.get(COLUMNS[(*place[:2], name)]) for name in LINKED if (*place[:2], name) in COLUMNS]

    def _delete(self, side: str) -> None:
        place = self._some(side, self.chance.choice(("company", "person", "deal")))
        if place is None:
            return
        tag = self.eyes.tag(*place)
        thing = self.ledger.things[place[1], tag]
        if side == "crm":
            thing.must_go = self._crossed(place, tag)
        thing.deleted[side].append(self.now())
        self.ledger.dies(place, tag)
        self._product(side).person_deletes(self._table(side, place[1]), place[2])
        self._say(f"delete {place} {tag}{' (must go)' if thing.must_go else ''}")

    def takes_away(self, place: Place) -> None:
        """Delete a record that may be the same as another one, which the person keeps."""
        tag = self.eyes.tag(*place)
        self.ledger.takes_away(place, tag)
        self._product(place[0]).person_deletes(self._table(place[0], place[1]), place[2])
        self._say(f"take away {place} {tag}")

    def _crossed(self, place: Place, tag: str) -> bool:
        """Whether the erp has one copy, which shows in every field the same edit as the crm."""
        _, kind, _ = place
        copies = [record_id for record_id in self.eyes.all("erp", kind) if self.eyes.tag("erp", kind, record_id) == tag]
        if len(copies) != 1:
            return False
        other: Place = ("erp", kind, copies[0])
        for name in self.eyes.values(*place):
            here, there = self.ledger.shown.get((place, name)), self.ledger.shown.get((other, name))
            if here is None or there is None:
                if here is not there:
                    return False
            elif here.edit is not there.edit or not (here.sure and there.sure):
                return False
        return True

    def _restore(self, side: str) -> None:
        kind = self.chance.choice(("company", "person", "deal"))
        gone = [
            record_id
            for record_id in self.eyes.all(side, kind, deleted=True)
            if self.ledger.things[kind, self.eyes.tag(side, kind, record_id)].deleted[side]
            and not self.ledger.things[kind, self.eyes.tag(side, kind, record_id)].merged
        ]
        if not gone:
            return
        place = (side, kind, self.chance.choice(gone))
        self._product(side).person_restores(self._table(side, kind), place[2])
        self.ledger.things[kind, self.eyes.tag(*place)].restored[side] += 1
        self._say(f"restore {place} {self.eyes.tag(*place)}")

    def _merge(self, _side: str) -> None:
        """Only Pipedrive merges. Everything else the merge changed counts as that person's edit."""
        kind = self.chance.choice(("company", "person", "deal"))
        loser, survivor = self._some("crm", kind), self._some("crm", kind)
        if loser is None or survivor is None or loser == survivor:
            return
        everything = [("crm", k, record_id) for k in ("person", "deal") for record_id in self.eyes.all("crm", k)]
        before = {place: self.eyes.values(*place) for place in [*everything, survivor]}
        absorbed = self.eyes.values(*loser)
        tags = self.eyes.tag(*loser), self.eyes.tag(*survivor)
        self.site.crm.person_merges(self._table("crm", kind), loser[2], survivor[2])
        for tag in tags:
            self.ledger.things[kind, tag].merged += 1
        self.ledger.things[kind, tags[0]].lost += 1
        self.ledger.things[kind, tags[1]].absorbed.add(tags[0])
        for place, values in before.items():
            if self.eyes.lives(*place):
                self._note(place, self.eyes.tag(*place), values)
        for name, value in self.eyes.values(*survivor).items():
            if value is not None and value == absorbed.get(name) and value != before[survivor].get(name):
                self.ledger.fills(kind, tags[0], tags[1], name)
        self._say(f"merge {loser} {tags[0]} into {survivor} {tags[1]}")

    # -- what they enter --------------------------------------------------------------------------------------------
    def _entries(self, side: str, kind: str, tag: str, *, blanks: bool = False) -> dict[str, Any]:
        """Return a new entry for every field of a record; some may be emptied."""
        tail = self.chance.choice(("", " Fjord Shipping", " and Sons Incorporated of Bergen"))
        entries: dict[str, Any] = {"name": f"{tag} v{self.next()}{tail}"}
        if kind == "company":
            entries["address"] = f"A{self.next()} Storgata, 0155 Oslo"
        elif kind == "person":
            entries["email"] = f"e{self.next()}@x.example"
            entries["company"] = self._named(side, "company")
            if side == "crm" or self.erp_phone:
                entries["phone"] = f"22{self.next():06d}"
        else:
            entries["amount"] = (self.next() + 0.25, self.chance.choice(CURRENCIES))
            entries["close"] = self._day(self.next())
            entries["stage"] = self.chance.choice(("qualified", "proposal", "won", "lost"))
            entries["segment"] = self.chance.choice(("L", "M", "S"))
            entries |= {name: self._named(side, to) for name, to in REFERENCES["deal"].items()}
        for name in ("email", "close", "segment"):
            if blanks and name in entries and self.chance.random() < 0.2:
                entries[name] = None
        if not blanks:  # a new record may lack most of it
            needed = ("name", "amount", "email")
            entries = {name: entry for name, entry in entries.items() if name in needed or self.chance.random() < 0.6}
        return {name: entry for name, entry in entries.items() if entry is not None or name not in LINKED}

    def _named(self, side: str, kind: str) -> str | None:
        place = self._some(side, kind)
        return place[2] if place else None

    def _day(self, number: int) -> str:
        return f"{2026 + number // 336}-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d}"

    def _columns(self, side: str, kind: str, entries: dict[str, Any]) -> dict[str, Any]:
        """The entries in the product's own columns."""
        columns: dict[str, Any] = {}
        for name, entry in entries.items():
            columns |= getattr(self, f"_{side}_{name}", self._plain)(kind, name, entry, side)
        return columns

    def _plain(self, kind: str, name: str, entry: Any, side: str) -> dict[str, Any]:
        number = int(entry) if entry is not None and name in LINKED else entry
        return {COLUMNS[side, kind, name]: number}

    def _crm_address(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"address": {"value": entry}}

    def _crm_email(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"emails": [{"value": entry, "label": "work", "primary": True}] if entry else []}

    def _erp_email(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"email": entry or ""}

    def _crm_phone(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"phones": [{"value": f"+47 {entry}", "label": "work", "primary": True}]}

    def _erp_phone(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"phone": entry, "country_code": "+47"}

    def _crm_amount(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"value": entry[0], "currency": entry[1]}

    def _erp_amount(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"amount": entry[0], "currency_code": entry[1]}

    def _erp_close(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"closing_date": f"{entry}T00:00:00Z" if entry else ""}

    def _crm_stage(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        if entry in ("won", "lost"):
            return {"status": entry}
        return {"status": "open", "stage_id": self.chance.choice((1, 2) if entry == "qualified" else (3, 4))}

    def _erp_stage(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        return {"stage_id": self.site.erp.stage_id(entry.capitalize())}

    def _crm_segment(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        option = next((number for number, letter in self.eyes.segments.items() if letter == entry), None)
        return {"custom_fields": {self.site.crm.field_code("deals", "Segment"): option}}

    def _erp_segment(self, _kind: str, _name: str, entry: Any, _side: str) -> dict[str, Any]:
        label = {"L": "Gold", "M": "Silver", "S": "Bronze", None: ""}[entry]
        return {"custom_field": [{"code": "SEGMENT", "value": label}]}

    # -- places -----------------------------------------------------------------------------------------------------
    def _product(self, side: str) -> Any:
        return self.site.crm if side == "crm" else self.site.erp

    def _table(self, side: str, kind: str) -> str:
        return (CRM_TABLE if side == "crm" else ERP_TABLE)[kind]

    def _note(self, place: Place, tag: str, before: dict[str, Any]) -> None:
        def text(name: str) -> str:
            return self.eyes.text(*place, name) if name in ("name", "address") else ""

        after = self.eyes.values(*place)
        if not before:  # a value that a new record shows without an entry is not an edit
            before = dict.fromkeys(after)
        self.ledger.person(place, tag, before, after, text, self.now())

    def _some(self, side: str, kind: str) -> Place | None:
        known = self.ledger.unsure_records
        found = [
            record_id
            for record_id in self.eyes.all(side, kind)
            if known.get((side, kind, record_id), -1000.0) + HANDS_OFF_SECONDS < self.now()
        ]
        return (side, kind, self.chance.choice(found)) if found else None


LINKED = ("company", "person")
COLUMNS = {
    **{(side, kind, "name"): "name" for side in ("crm", "erp") for kind in ("company", "person")},
    ("crm", "deal", "name"): "title",
    ("erp", "deal", "name"): "name",
    ("erp", "company", "address"): "address",
    ("crm", "person", "company"): "org_id",
    ("erp", "person", "company"): "organization_id",
    ("crm", "deal", "company"): "org_id",
    ("erp", "deal", "company"): "organization_id",
    ("crm", "deal", "person"): "person_id",
    ("erp", "deal", "person"): "contact_id",
    ("crm", "deal", "close"): "expected_close_date",
}
