"""What must hold after a storm, by what people did. It knows nothing about how the bridge works."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.product import FakeProduct

KEY = {"person": "email", "company": "name"}


@dataclass
class Model:
    """A thing is known by its key, which is never edited: the e-mail of a person, the name of a company."""

    wishes: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    deleted_on: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    brought_back: set[tuple[str, str]] = field(default_factory=set)
    merged_away: set[tuple[str, str]] = field(default_factory=set)
    merged_into: set[tuple[str, str]] = field(default_factory=set)
    made: set[tuple[str, str, str]] = field(default_factory=set)

    # -- what people do ---------------------------------------------------------------------------------------------
    def created(self, system: str, entity: str, record_id: str, values: dict[str, Any]) -> None:
        key = values[KEY[entity]]
        self.made.add((system, entity, record_id))
        if entity == "person":
            self.edited(system, entity, key, "name", values["name"])

    def edited(self, system: str, entity: str, key: str, name: str, value: Any) -> None:
        self.wishes[entity, key, name][system] = value

    def deleted(self, system: str, entity: str, fields: dict[str, Any]) -> None:
        self.deleted_on[entity, fields[KEY[entity]]].add(system)

    def restored(self, system: str, entity: str, fields: dict[str, Any]) -> None:
        self.brought_back.add((entity, fields[KEY[entity]]))

    def merged(self, entity: str, loser: dict[str, Any], survivor: dict[str, Any]) -> None:
        self.merged_away.add((entity, loser[KEY[entity]]))
        self.merged_into.add((entity, survivor[KEY[entity]]))

    # -- what must hold ---------------------------------------------------------------------------------------------
    def check(self, crm: FakeProduct, erp: FakeProduct) -> list[str]:
        problems: list[str] = []
        sides = {"crm": crm, "erp": erp}
        for entity in KEY:
            live = {name: self._by_key(side, entity, problems) for name, side in sides.items()}
            for key in sorted(live["crm"].keys() | live["erp"].keys()):
                here, there = live["crm"].get(key), live["erp"].get(key)
                if here and there:  # a restored record may exist twice: one of the two is the counterpart
                    faults = [self._in_sync(entity, key, one, two, sides) for one in here for two in there]
                    problems += min(faults, key=len)
                else:
                    problems += self._alone(entity, key, "crm" if here else "erp")
            problems += self._resurrected(entity, live)
        self.wishes.clear()
        return problems

    def _by_key(self, product: FakeProduct, entity: str, problems: list[str]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record_id, fields in product.live(entity).items():
            key = fields[KEY[entity]]
            if key in found and (entity, key) not in self.merged_away | self.brought_back | self.merged_into:
                problems.append(f"{product.system} has two {entity} {key}, one is {record_id}")
            found[key].append(fields)
        return found

    def _in_sync(
        self, entity: str, key: str, here: dict[str, Any], there: dict[str, Any], sides: dict[str, FakeProduct]
    ) -> list[str]:
        if (entity, key) in self.merged_away:
            return []
        problems = []
        for name in ("name", "phone", "notes"):
            one, two = here[name], there[name]
            if one != two and sides["erp"].trim(one or "") != (two or ""):
                problems.append(f"{entity} {key}: {name} is {one!r} in crm and {two!r} in erp")
            problems += self._survived(entity, key, name, one, sides)
        if entity == "person":
            one, two = self._company(sides["crm"], here), self._company(sides["erp"], there)
            unclear = {("company", one), ("company", two)} & (self.merged_away | self._ever_deleted())
            if one != two and not unclear:
                problems.append(f"{entity} {key}: company is {one!r} in crm and {two!r} in erp")
        return problems

    def _ever_deleted(self) -> set[tuple[str, str | None]]:
        return {*self.deleted_on, ("company", None)}

    def _company(self, product: FakeProduct, fields: dict[str, Any]) -> str | None:
        row = product.rows.get(("company", str(fields["company_id"])))
        return None if row is None or row.deleted else str(row.fields["name"])

    def _survived(self, entity: str, key: str, name: str, shown: Any, sides: dict[str, FakeProduct]) -> list[str]:
        """The value must be one that a person entered last on either side."""
        wanted = self.wishes.get((entity, key, name))
        if not wanted or (entity, key) in self.merged_into or (entity, key) in self.deleted_on:
            return []
        allowed = [*wanted.values()] + [sides["erp"].trim(value or "") for value in wanted.values()]
        if (shown or None) in [value or None for value in allowed]:
            return []
        return [f"{entity} {key}: {name} is {shown!r}, but people wanted {wanted}"]

    def _alone(self, entity: str, key: str, system: str) -> list[str]:
        if (entity, key) in self.merged_away | self.merged_into or (entity, key) in self.deleted_on:
            return []
        return [f"{entity} {key} is only in {system}"]

    def _resurrected(self, entity: str, live: dict[str, dict[str, Any]]) -> list[str]:
        return [
            f"{entity} {key} was deleted in {system} and is there again"
            for (kind, key), systems in sorted(self.deleted_on.items())
            for system in sorted(systems)
            if kind == entity and key in live[system]
            if (kind, key) not in self.brought_back | self.merged_away | self.merged_into
        ]
