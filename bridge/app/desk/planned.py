"""A plan as the pages and the API show it: what a live bridge would do now, by mapping and kind, with the records."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pydantic import Field as Described

from bridge.admin.operation import Given, Nothing, Person
from bridge.app.build import Bridge
from bridge.app.desk.looking import begin, outline
from bridge.app.desk.mappings import find_mapping
from bridge.app.desk.words import address
from bridge.app.looks import State
from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.planning.report import change_line
from bridge.planning.rows import HEADINGS

ROWS = 100
"""How many records of each kind a plan shows; the totals count all."""


class Planning(Given):
    """Which mapping a plan is made for, and whether with a backfill."""

    mapping: str | None = Described(default=None, max_length=200, description="Default: every mapping.")
    backfill: bool | None = Described(
        default=None,
        description="Include records from before going live, or not; default: if it was never live.",
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a plan. `page`: that of the source record. `fields`: the value that each field would get, in
    words."""

    record: str
    page: str
    target: str
    why: str
    fields: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    """`number` records of a mapping to which the same would happen. `rows`: the first of them."""

    kind: str
    heading: str
    number: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class PlannedMapping:
    """One mapping of a plan. `rest`: records that are left alone, and those that waited already."""

    name: str
    sides: list[str]
    notes: list[str]
    groups: list[Group]
    rest: list[str]


@dataclass(frozen=True, slots=True)
class PlanLook:
    """The last plan that was made here. `known`: every mapping. `changes`: whether anything would change. `cost`: the
    calls that carrying it out would need."""

    state: State
    about: str
    requested_by: str
    began_at: str | None
    ended_at: str | None
    fault: str
    known: list[str]
    changes: bool = False
    mappings: list[PlannedMapping] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    cost: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


class Plans:
    """Runs `bridge plan`, and returns the last plan."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def plan(self, person: Person, given: Nothing) -> PlanLook:
        look, known = self._bridge.looks.last("plan"), sorted(self._bridge.plan.mappings)
        if look is None or look.found is None:
            return PlanLook(**outline(look), known=known)
        found = look.found
        rows: dict[tuple[str, str], list[Row]] = {}
        for one in found["rows"]:
            rows.setdefault((one["mapping"], one["kind"]), []).append(self._row(one))
        hooks = [f"{one['what']} at {one['system']}: {one['hook']} ({one['why']})" for one in found["hooks"]]
        hooks += [f"{system}: {fault}" for system, fault in found["hook faults"].items()]
        return PlanLook(
            **outline(look),
            known=known,
            changes=found["changes"],
            mappings=[_planned(head, found, rows) for head in found["mappings"]],
            hooks=hooks,
            cost=[one["told"] for one in found["cost"]] if found["changes"] else [],
            calls=[f"{system} {number}" for system, number in sorted(found["calls made"].items())],
        )

    def _row(self, one: Mapping[str, Any]) -> Row:
        scope = self._bridge.plan.scopes.get(one["mapping"])
        page = "" if scope is None else address(scope.endpoint(Side(one["side"])), one["record_id"])
        fields = [f"{name}: {change_line(change)}" for name, change in one["fields"].items()]
        return Row(one["record"], page, one["target"] if one["target"] != one["record"] else "", one["why"], fields)

    async def make(self, person: Person, planning: Planning) -> PlanLook:
        command = ["plan", "--json", "--show", str(ROWS)]
        if planning.backfill is not None:
            command.append("--backfill" if planning.backfill else "--no-backfill")
        if planning.mapping is not None:
            find_mapping(self._bridge, planning.mapping)
            command += ["--", planning.mapping]
        await begin(self._bridge, "plan", "plan", planning.mapping or "", person, command, planning)
        return await self.plan(person, Nothing())


def _planned(
    head: Mapping[str, Any], found: Mapping[str, Any], rows: Mapping[tuple[str, str], list[Row]]
) -> PlannedMapping:
    name = head["name"]
    totals = found["totals"].get(name, {})
    groups = [
        Group(kind.value, heading, totals[kind], rows.get((name, kind.value), []))
        for kind, heading in HEADINGS.items()
        if totals.get(kind)
    ]
    alone = found["left alone"].get(name, {})
    rest = [f"{number:,} left alone ({code.replace('_', ' ')})" for code, number in sorted(alone.items())]
    rest += [f"{number:,} {text}" for text, number in found["waiting"].get(name, {}).items()]
    return PlannedMapping(name, list(head["sides"]), list(head["notes"]), groups, rest)
