"""Routes of pipelines and stages (page "Deal APIs")."""

from typing import Any

from aiohttp import web

from bridge.simulators.deskera import shapes
from bridge.simulators.deskera.answers import Refused, json_object
from bridge.simulators.deskera.schema import OUTCOMES
from bridge.simulators.deskera.state import GONE, State, add_pipeline
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record


class Pipelines:
    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        path, one = "/v1/crm/deals/pipelines", "/v1/crm/deals/pipelines/{id:\\d+}"
        return [
            web.get(path, self.listed, allow_head=False),
            web.post(path, self.create),
            web.get(one, self.read, allow_head=False),
            web.put(one, self.replace),
            web.delete(one, self.delete),
            web.delete(path + "/stages/{id:\\d+}", self.delete_stage),
        ]

    async def listed(self, _request: web.Request) -> web.Response:
        lag = self._faults.lag("deals")
        return web.json_response([shapes.pipeline(self._state, row, lag) for row in self._state.rows("pipelines")])

    async def read(self, request: web.Request) -> web.Response:
        return web.json_response(shapes.pipeline(self._state, self._existing(request), self._faults.lag("deals")))

    async def create(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        number = add_pipeline(self._state, str(body.get("name", "")), _stages(body))
        return web.json_response({"Success": True, "Id": number}, status=201)

    async def replace(self, request: web.Request) -> web.Response:
        body, before = await json_object(request), self._existing(request)
        stages = _stages(body) if "stages" in body else before["stages"]
        self._refuse_used({stage["id"] for stage in before["stages"]} - {stage.get("id") for stage in stages})
        add_pipeline(self._state, str(body.get("name", before["name"])), stages, before["id"])
        return web.json_response({"Success": True, "Id": before["id"]})

    async def delete(self, request: web.Request) -> web.Response:
        before = self._existing(request)
        self._refuse_used({stage["id"] for stage in before["stages"]})
        self._state.tables["pipelines"].put(str(before["id"]), before | {GONE: True})
        return web.Response(status=204)

    async def delete_stage(self, request: web.Request) -> web.Response:
        found = self._state.stage(int(request.match_info["id"]))
        if found is None:
            raise Refused(404, "Stage not found")
        pipeline, stage = found
        self._refuse_used({stage["id"]})
        left = [other for other in pipeline["stages"] if other is not stage]
        self._state.tables["pipelines"].put(str(pipeline["id"]), pipeline | {"stages": left})
        return web.Response(status=204)

    def _existing(self, request: web.Request) -> Record:
        record = self._state.get("pipelines", request.match_info["id"])
        if record is None:
            raise Refused(404, "Pipeline not found")
        return record

    def _refuse_used(self, stage_ids: set[int]) -> None:
        if any(deal["stage_id"] in stage_ids for deal in self._state.rows("deals")):
            raise Refused(400, "The stage still has deals")


def _stages(body: dict[str, Any]) -> list[Record]:
    stages = body.get("stages")
    if not isinstance(stages, list) or not stages or not all(isinstance(stage, dict) for stage in stages):
        raise Refused(400, "Validation failed", [("stages", "is required")])
    if any(stage.get("won_lost_status", "open") not in OUTCOMES for stage in stages):
        raise Refused(400, "Validation failed", [("won_lost_status", f"must be one of {', '.join(OUTCOMES)}")])
    return stages
