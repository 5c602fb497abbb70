"""Converts a lead to a deal, or a deal to a lead (REST v2). It finishes at once; its status is read by its id."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.control import UnknownRecord
from bridge.simulators.pipedrive.answers import invalid, not_found, ok
from bridge.simulators.pipedrive.changes import API, Changes
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.state import Route, State
from bridge.simulators.records import Record

DEALS, LEADS = ENTITIES["deals"], ENTITIES["leads"]


class Conversions:
    """The converted record is deleted. Its notes and activities move to the new one."""

    def __init__(self, state: State, changes: Changes) -> None:
        self._state, self._changes = state, changes

    def routes(self) -> list[Route]:
        """The routes with the costs of their calls."""
        return [
            ("POST", "/api/v2/leads/{id}/convert/deal", self._to_deal, 40),
            ("GET", "/api/v2/leads/{id}/convert/status/{conversion}", self._status, 1),
            ("POST", "/api/v2/deals/{id:\\d+}/convert/lead", self._to_lead, 40),
            ("GET", "/api/v2/deals/{id:\\d+}/convert/status/{conversion}", self._status, 1),
        ]

    def _live(self, request: web.Request, entity: Entity) -> Record:
        try:
            return self._changes.live(entity, request.match_info["id"])
        except UnknownRecord as error:
            raise not_found() from error

    async def _to_deal(self, request: web.Request) -> web.Response:
        lead = self._live(request, LEADS)
        body: Any = await request.json() if request.can_read_body else {}
        place = {key: body[key] for key in ("stage_id", "pipeline_id") if body.get(key) is not None}
        value = lead["value"] or {}
        fields = {
            "title": lead["title"],
            "owner_id": lead["owner_id"],
            "person_id": lead["person_id"],
            "org_id": lead["organization_id"],
            "expected_close_date": lead["expected_close_date"],
            "value": value.get("amount", 0),
            "custom_fields": dict(lead["custom_fields"]),
            "source_lead_id": lead["id"],
            **({"currency": value["currency"]} if value else {}),
            **place,
        }
        try:
            made = self._changes.create(DEALS, fields, API)
        except ValueError as error:
            raise invalid([("stage_id", str(error))]) from error
        self._move("lead_id", lead["id"], {"lead_id": None, "deal_id": made["id"]})
        self._changes.delete(LEADS, lead["id"], API)
        return self._done({"deal_id": made["id"]})

    async def _to_lead(self, request: web.Request) -> web.Response:
        deal = self._live(request, DEALS)
        if deal["person_id"] is None and deal["org_id"] is None:
            raise invalid([("person_id", "or org_id must be set for a lead")])
        fields = {
            "title": deal["title"],
            "owner_id": deal["owner_id"],
            "person_id": deal["person_id"],
            "organization_id": deal["org_id"],
            "expected_close_date": deal["expected_close_date"],
            "value": {"amount": deal["value"], "currency": deal["currency"]},
            "custom_fields": dict(deal["custom_fields"]),
            "source_deal_id": deal["id"],
            "source_name": "Deal",
        }
        made = self._changes.create(LEADS, fields, API)
        self._move("deal_id", deal["id"], {"deal_id": None, "lead_id": made["id"]})
        self._changes.delete(DEALS, str(deal["id"]), API)
        return self._done({"lead_id": made["id"]})

    def _move(self, link: str, number: Any, fields: Mapping[str, Any]) -> None:
        for plural in ("activities", "notes"):
            for record_id, record in list(self._state.tables[plural].rows()):
                if record.get(link) == number and not record["is_deleted"]:
                    self._changes.edit(ENTITIES[plural], record_id, fields, API)

    def _done(self, became: Mapping[str, Any]) -> web.Response:
        number = self._state.world.new_id()
        self._state.conversions[number] = {"conversion_id": number, "status": "completed", **became}
        return ok({"conversion_id": number}, additional_data=None)

    async def _status(self, request: web.Request) -> web.Response:
        known = self._state.conversions.get(request.match_info["conversion"])
        if known is None:
            raise not_found()
        return ok(known, additional_data=None)
