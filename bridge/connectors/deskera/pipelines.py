"""Pipelines and stages by name, and what a stage says about a deal's outcome.

Only the pipelines carry `won_lost_status`; the stage shown inside a deal has it empty. Source: Sales pages, "Deal".
"""

from dataclasses import dataclass
from typing import Any

from bridge.connectors.deskera.choices import Choices, Refreshed, named, rows_of
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.values import reference
from bridge.domain.errors import Rejected

PATH = "/v1/crm/deals/pipelines"
OUTCOMES = ("open", "won", "lost")


@dataclass
class Pipeline:
    """Stages of one pipeline, in the vendor's order; `outcomes`: stage key to open, won or lost."""

    stages: Choices
    order: list[str]
    outcomes: dict[str, str]


class Pipelines:
    def __init__(self, client: DeskeraClient) -> None:
        self._client = client
        self._names = Choices(client, "pipeline")
        self._by_key: dict[str, Pipeline] = {}
        self._fresh = Refreshed(client.seams.clock, self._fetch)

    async def keys(self) -> list[str]:
        """All pipelines as they are now."""
        await self._fetch()
        return sorted(self._by_key, key=lambda key: (len(key), key))

    async def shown(self, pipeline: str | None, stage: str | None) -> dict[str, Any]:
        """Columns `pipeline`, `stage` and `status` of these keys; a column that cannot be told is left out."""
        pipeline = pipeline or await self._holding(stage)
        if pipeline is None:
            return {}
        await self._fresh.until(lambda: self._knows(pipeline, stage))
        found = self._by_key.get(pipeline)
        columns = {"pipeline": self._names.name(pipeline)}
        if found is not None and stage is not None:
            columns |= {"stage": found.stages.name(stage), "status": found.outcomes.get(stage)}
        return {column: value for column, value in columns.items() if value is not None}

    async def pipeline_key(self, name: str) -> str:
        await self._fresh.until(lambda: self._names.knows_name(name))
        return self._names.key(name)

    async def sole(self) -> str:
        """The account's only pipeline; Rejected when there are several."""
        await self._fresh.until(lambda: True)
        if len(self._by_key) != 1:
            text = f"pipeline must be given: Deskera has {', '.join(map(repr, self._names.names())) or 'none'}"
            raise Rejected(self._client.system, text, field="pipeline")
        return next(iter(self._by_key))

    async def stage_key(self, pipeline: str, name: str) -> str:
        await self._fresh.until(lambda: pipeline in self._by_key and self._by_key[pipeline].stages.knows_name(name))
        return self._pipeline(pipeline).stages.key(name)

    async def first_stage(self, pipeline: str) -> str:
        await self._fresh.until(lambda: pipeline in self._by_key)
        order = self._pipeline(pipeline).order
        if not order:
            raise Rejected(self._client.system, "the pipeline has no stage", field="stage")
        return order[0]

    async def stage_name(self, pipeline: str, stage: str) -> str | None:
        return (await self.shown(pipeline, stage)).get("stage")

    async def names(self) -> list[str]:
        await self._fresh.until(lambda: True)
        return self._names.names()

    async def stage_names(self) -> list[str]:
        """The stages of all pipelines, each name once."""
        await self._fresh.until(lambda: True)
        return list(dict.fromkeys(name for each in self._by_key.values() for name in each.stages.names()))

    def _pipeline(self, key: str) -> Pipeline:
        found = self._by_key.get(key)
        if found is None:
            raise Rejected(self._client.system, f"Deskera has no pipeline with id {key}", field="pipeline")
        return found

    async def _holding(self, stage: str | None) -> str | None:
        """The pipeline of a stage, for deals that do not name theirs."""
        if stage is None:
            return None
        await self._fresh.until(lambda: self._with(stage) is not None)
        return self._with(stage)

    def _with(self, stage: str) -> str | None:
        return next((key for key, each in self._by_key.items() if each.stages.knows_key(stage)), None)

    def _knows(self, pipeline: str, stage: str | None) -> bool:
        found = self._by_key.get(pipeline)
        return found is not None and (stage is None or found.stages.knows_key(stage))

    async def _fetch(self) -> None:
        rows = rows_of(await self._client.get(PATH))
        await self._names.learn(named(rows))
        found = {}
        for row in rows:
            if (key := reference(row.get("id"))) is None:
                continue
            if not isinstance(row.get("stages"), list):
                row = await self._client.get(f"{PATH}/{key}", template=f"{PATH}/{{id}}")
            found[key] = await self._read(key, row)
        self._by_key = found

    async def _read(self, pipeline: str, row: Any) -> Pipeline:
        stages = rows_of(row.get("stages") if isinstance(row, dict) else None)
        stages.sort(key=lambda stage: order if isinstance(order := stage.get("order"), int) else 0)
        before = self._by_key.get(pipeline)
        names = before.stages if before else Choices(self._client, "stage", f"stage {pipeline}")
        await names.learn(named(stages))
        keys = [(key, stage) for stage in stages if (key := reference(stage.get("id"))) is not None]
        outcomes = {key: stage["won_lost_status"] for key, stage in keys if stage.get("won_lost_status") in OUTCOMES}
        return Pipeline(names, [key for key, _ in keys], outcomes)
