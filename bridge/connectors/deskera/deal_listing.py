"""Listings of deals. Source: Sales page "Deal".

The answer has pages, but no page parameter is documented. So `page` and `limit` are sent, and the second page is
compared with the first. If the server ignores them, each pipeline is listed by itself; a pipeline that is still too
long is read through its stages, which contain their deals. Closed deals are always requested: without them they would
look deleted. Tokens: `p<place>` while pages work, else `s<expected>:<collected>:<number of the pipeline>`.
"""

from typing import Any

from bridge.connectors.deskera.catalog import objects_of, rows_of
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.listing import Place, RepeatedPage, Rows, step
from bridge.connectors.deskera.pipelines import PATH as PIPELINES
from bridge.connectors.deskera.pipelines import Pipelines
from bridge.connectors.limits import LIST_BYTES
from bridge.domain.errors import RetryLater

PATH = "/v1/crm/deals"


class DealListing:
    def __init__(self, client: DeskeraClient, pipelines: Pipelines, page_size: int) -> None:
        self._client = client
        self._pipelines = pipelines
        self._size = page_size

    async def page(self, token: str | None) -> tuple[Rows, str | None]:
        """The rows and the next token."""
        if token is not None and token.startswith("s"):
            return await self._by_pipeline(token)
        place = Place.of(None if token is None else token.removeprefix("p"))
        got = await self._fetch([("page", str(place.page)), ("limit", str(self._size))])
        try:
            following = step(self._client.system, place, got)
        except RepeatedPage:
            return Rows((), got.total), f"s{got.total or 0}:0:0"
        return got, None if following is None else f"p{following}"

    async def _by_pipeline(self, token: str) -> tuple[Rows, str | None]:
        expected, collected, number = map(int, token.removeprefix("s").split(":"))
        keys = await self._pipelines.keys()
        if number >= len(keys):
            if collected < expected:
                text = f"the pipelines hold {collected} deals and the listing {expected}: it cannot be read completely"
                raise RetryLater(self._client.system, text)
            return Rows((), expected), None
        got = await self._fetch([("pipeline_id", keys[number])])
        if got.total is not None and got.total > len(got.rows):
            got = Rows(await self._stages(keys[number], got.total), got.total)
        return Rows(got.rows, expected), f"s{expected}:{collected + len(got.rows)}:{number + 1}"

    async def _stages(self, pipeline: str, expected: int) -> list[Any]:
        """The deals inside a pipeline's stages. They name neither pipeline nor stage, so these are added."""
        path, template = f"{PIPELINES}/{pipeline}", f"{PIPELINES}/{{id}}"
        body = await self._client.get(path, template=template, most_bytes=LIST_BYTES)
        stages = objects_of(body.get("stages") if isinstance(body, dict) else None)
        keys = {"pipeline_id": body.get("id") if isinstance(body, dict) else None}
        rows = [
            {**deal, **keys, "stage_id": stage.get("id")} if isinstance(deal, dict) else deal
            for stage in stages
            for deal in rows_of(stage.get("deals"))
        ]
        if len(rows) < expected:
            text = f"a pipeline's stages hold {len(rows)} deals instead of {expected}: it cannot be read completely"
            raise RetryLater(self._client.system, text)
        return rows

    async def _fetch(self, more: list[tuple[str, str]]) -> Rows:
        # A server that ignores the page returns all deals at once.
        body = await self._client.get(PATH, [*more, ("show_closed_deals", "true")], most_bytes=LIST_BYTES)
        total = body.get("number_of_records") if isinstance(body, dict) else None
        return Rows(rows_of(body), total if isinstance(total, int) else None)
