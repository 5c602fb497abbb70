"""Pipelines and stages by name, and the outcome that a stage means for a deal.

Only the pipelines carry `won_lost_status`; it is empty in the stage inside a deal. Source: Sales pages, "Deal".
"""

from dataclasses import dataclass
from typing import Any

from bridge.connectors.account_list import AccountList
from bridge.connectors.deskera.catalog import Choices, rows_of
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.values import known_reference
from bridge.connectors.limits import LIST_BYTES
from bridge.domain.errors import Rejected

PATH = "/v1/crm/deals/pipelines"
OUTCOMES = ("open", "won", "lost")


@dataclass
class Pipeline:
    """The stages of one pipeline, in the vendor's order. `outcomes`: stage key -> open, won or lost."""

    stages: Choices
    order: list[str]
    outcomes: dict[str, str]


Known = dict[str, Pipeline]
"""Pipelines by their key."""


class Pipelines:
    def __init__(self, client: DeskeraClient) -> None:
        self._client = client
        self._names = Choices(client, "pipeline")
        self._kept = AccountList(client.seams.clock, self._load)
        self._stages: dict[str, Choices] = {}

    async def keys(self) -> list[str]:
        """All pipelines as they are now."""
        return sorted(await self._kept.get(fresh=True), key=lambda key: (len(key), key))

    async def shown(self, pipeline: str | None, stage: str | None) -> dict[str, Any]:
        """The columns `pipeline`, `stage` and `status` for these keys. An unknown column is left out."""
        pipeline = pipeline or await self._holding(stage)
        if pipeline is None:
            return {}
        wanted = ("keys", pipeline, stage)
        found = (await self._kept.holding(wanted, lambda known: _knows(known, pipeline, stage))).get(pipeline)
        columns = {"pipeline": self._names.name(pipeline)}
        if found is not None and stage is not None:
            columns |= {"stage": found.stages.name(stage), "status": found.outcomes.get(stage)}
        return {column: value for column, value in columns.items() if value is not None}

    async def pipeline_key(self, name: str) -> str:
        await self._kept.holding(("pipeline", name), lambda known: self._names.knows_name(name))
        return self._names.key(name)

    async def sole(self) -> str:
        """The account's only pipeline. Raises Rejected when there are several, or none."""
        known = await self._kept.get()
        if len(known) != 1:
            text = f"pipeline must be given: Deskera has {', '.join(map(repr, self._names.names())) or 'none'}"
            raise Rejected(self._client.system, text, field="pipeline")
        return next(iter(known))

    async def stage_key(self, pipeline: str, name: str) -> str:
        def holds(known: Known) -> bool:
            return pipeline in known and known[pipeline].stages.knows_name(name)

        return self._pipeline(await self._kept.holding(("stage", pipeline, name), holds), pipeline).stages.key(name)

    async def first_stage(self, pipeline: str) -> str:
        known = await self._kept.holding(("keys", pipeline, None), lambda known: pipeline in known)
        order = self._pipeline(known, pipeline).order
        if not order:
            raise Rejected(self._client.system, "the pipeline has no stage", field="stage")
        return order[0]

    async def stage_name(self, pipeline: str, stage: str) -> str | None:
        return (await self.shown(pipeline, stage)).get("stage")

    async def names(self) -> list[str]:
        await self._kept.get()
        return self._names.names()

    async def stage_names(self) -> list[str]:
        """The stages of all pipelines, each name once."""
        known = await self._kept.get()
        return list(dict.fromkeys(name for each in known.values() for name in each.stages.names()))

    def _pipeline(self, known: Known, key: str) -> Pipeline:
        found = known.get(key)
        if found is None:
            raise Rejected(self._client.system, f"Deskera has no pipeline with id {key}", field="pipeline")
        return found

    async def _holding(self, stage: str | None) -> str | None:
        """The pipeline of a stage, for deals that do not name their pipeline."""
        if stage is None:
            return None
        known = await self._kept.holding(("holding", stage), lambda known: _with(known, stage) is not None)
        return _with(known, stage)

    async def _load(self, oldest: float) -> Known:
        rows = rows_of(await self._client.get(PATH, most_bytes=LIST_BYTES))
        await self._names.learn(rows)
        found = {}
        for row in rows:
            key = known_reference(row.get("id")) if isinstance(row, dict) else None
            if key is None:
                continue  # skipped and counted with the names
            if not isinstance(row.get("stages"), list):
                row = await self._client.get(f"{PATH}/{key}", template=f"{PATH}/{{id}}", most_bytes=LIST_BYTES)
            found[key] = await self._read(key, row)
        return found

    async def _read(self, pipeline: str, row: Any) -> Pipeline:
        rows = rows_of(row.get("stages") if isinstance(row, dict) else None)
        names = self._stages.setdefault(pipeline, Choices(self._client, "stage", f"stage {pipeline}"))
        await names.learn(rows)
        stages = [stage for stage in rows if isinstance(stage, dict)]
        stages.sort(key=lambda stage: order if isinstance(order := stage.get("order"), int) else 0)
        keys = [(key, stage) for stage in stages if (key := known_reference(stage.get("id"))) is not None]
        outcomes = {key: stage["won_lost_status"] for key, stage in keys if stage.get("won_lost_status") in OUTCOMES}
        return Pipeline(names, [key for key, _ in keys], outcomes)


def _with(known: Known, stage: str) -> str | None:
    return next((key for key, each in known.items() if each.stages.knows_key(stage)), None)


def _knows(known: Known, pipeline: str, stage: str | None) -> bool:
    found = known.get(pipeline)
    return found is not None and (stage is None or found.stages.knows_key(stage))
