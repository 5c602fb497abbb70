"""Pipelines and stages by the names that people see, pinned to the product's keys."""

from typing import Any

from bridge.connectors.account_list import AccountList
from bridge.connectors.bottlecrm.client import BottleClient
from bridge.connectors.bottlecrm.columns import PIPELINES, STAGES
from bridge.connectors.names import Names, Pins, Unresolved, pair_of
from bridge.domain.frozen import dataclass
from bridge.domain.seams import Clock

PATH = "api/opportunities/pipelines"


@dataclass(frozen=True, slots=True)
class Lists:
    """Keys and names, by list. A stage has the same key in every pipeline."""

    by_name: dict[str, Names]


class Catalog:
    def __init__(self, client: BottleClient, pins: Pins, clock: Clock) -> None:
        self._client, self._pins = client, pins
        self._lists = Lists({PIPELINES: Names(PIPELINES), STAGES: Names(STAGES)})
        self._kept = AccountList(clock, self._load)

    async def lists(self, *, fresh: bool = False) -> Lists:
        return await self._kept.get(fresh=fresh)

    async def reload_for(self, problem: Unresolved) -> bool:
        """Reload the lists if that may help. Return True if they were reloaded."""
        return not problem.twice and await self._kept.again_for([problem.mark])

    async def _load(self, oldest: float) -> Lists:
        said = await self._client.get(PATH)
        pipelines = [each for each in said.get("pipelines") or () if isinstance(each, dict)]
        stages: dict[str, Any] = {}
        for pipeline in pipelines:
            for stage in pipeline.get("stages") or ():
                stages.setdefault(str(stage.get("code")), stage)
        await self._pins.update(self._lists.by_name[PIPELINES], pipelines, pair_of("id", "name"))
        await self._pins.update(self._lists.by_name[STAGES], stages.values(), pair_of("code", "label"))
        return self._lists
