"""Deals of Deskera Sales. Stages and pipelines have names; the stage determines the outcome.
Source: Sales page "Deal"."""

from collections.abc import Mapping
from typing import Any

from bridge.connectors.deskera.callbacks import DEAL
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.columns import check_known, read_columns, write_column
from bridge.connectors.deskera.custom import CustomFields
from bridge.connectors.deskera.manifest import DEAL_COLUMNS
from bridge.connectors.deskera.pipelines import Pipelines
from bridge.connectors.deskera.values import as_id, known_reference
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import Rejected
from bridge.domain.record import Fields

READ_ONLY = frozenset(
    {
        "stage", "is_deleted", "created_at", "updated_at", "created_by", "updated_by", "tenant_id", "activity_id",
        "total_activities", "next_activity_date", "contact_info", "organization_info", "owner_info", "c_field",
        "owner", "contact", "organization", "success", "errorMessage",
    }
)  # fmt: skip
_DERIVED = frozenset({"pipeline", "stage", "status"})
_NAMES = {"contact_id": "contact_name", "organization_id": "organization_name"}


class Deals:
    """Translates deals. `records.Records` makes the calls."""

    entity = DEAL
    path = "/v1/crm/deals"

    def __init__(self, client: DeskeraClient) -> None:
        self._system = client.system
        self.pipelines = Pipelines(client)
        self._custom = CustomFields(client, "DEAL")

    async def columns(self) -> dict[str, ColumnSpec]:
        """Custom fields, and the account's pipelines and stages."""
        pipelines = ColumnSpec(Column.CHOICE, choices=tuple(await self.pipelines.names()))
        stages = ColumnSpec(Column.CHOICE, choices=tuple(await self.pipelines.stage_names()))
        return {"pipeline": pipelines, "stage": stages, **await self._custom.columns()}

    async def fields(self, raw: Mapping[str, Any]) -> Fields:
        found = read_columns(raw, DEAL_COLUMNS, _DERIVED)
        found |= await self.pipelines.shown(
            known_reference(raw.get("pipeline_id")), known_reference(raw.get("stage_id"))
        )
        custom = await self._custom.read(raw)
        return found if custom is None else {**found, "custom": custom}

    async def body(self, raw: Mapping[str, Any] | None, changes: Fields) -> dict[str, Any]:
        """The record to send: `raw` (None for a new one) with the changes."""
        check_known(self._system, changes, DEAL_COLUMNS)
        kept = raw or {}
        body = {key: value for key, value in kept.items() if key not in READ_ONLY}
        for name, value in changes.items():
            if name == "custom":
                body["custom_field"] = await self._custom.write(kept.get("custom_field"), value)
            elif name not in _DERIVED:
                body[name] = write_column(self._system, name, DEAL_COLUMNS[name], value)
        for name, shown in _NAMES.items():
            # An old name beside a changed id could link or create another contact.
            if name in changes:
                body.pop(shown, None)
        if raw is None or "pipeline" in changes or "stage" in changes:
            body |= await self._stage(kept, changes)
        return body

    async def _stage(self, kept: Mapping[str, Any], changes: Fields) -> dict[str, Any]:
        """The ids of pipeline and stage. A new pipeline without a stage keeps the stage's name; a new
        deal gets the first stage."""
        for name in ("pipeline", "stage"):
            if name in changes and not isinstance(changes[name], str):
                raise Rejected(self._system, f"{name} cannot be empty", field=name)
        before, old_stage = known_reference(kept.get("pipeline_id")), known_reference(kept.get("stage_id"))
        if "pipeline" in changes:
            pipeline = await self.pipelines.pipeline_key(changes["pipeline"])
        else:
            pipeline = before or await self.pipelines.sole()
        if "stage" in changes:
            stage = await self.pipelines.stage_key(pipeline, changes["stage"])
        elif before is not None and old_stage is not None:
            stage = await self._same_stage(before, pipeline, old_stage)
        else:
            stage = await self.pipelines.first_stage(pipeline)
        return {"pipeline_id": as_id(pipeline), "stage_id": as_id(stage)}

    async def _same_stage(self, before: str, pipeline: str, stage: str) -> str:
        if before == pipeline:
            return stage
        name = await self.pipelines.stage_name(before, stage)
        if name is None:
            raise Rejected(self._system, "stage must be given with a new pipeline", field="stage")
        return await self.pipelines.stage_key(pipeline, name)
