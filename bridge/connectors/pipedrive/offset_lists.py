"""Listings of REST v1, walked by offset: leads, notes, users. Vendor page "Pagination".

Pages overlap, because a record deleted meanwhile moves all behind it forward. A page token is `<listing>:<start>`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.manifest import Resource
from bridge.connectors.pipedrive.values import read_instant
from bridge.connectors.plain_values import write_seconds

LIVE, ARCHIVED = "live", "archived"
NEWEST_PAGE = 100
Rows = Sequence[Mapping[str, Any]]


async def page_by_offset(
    client: PipedriveClient, resource: Resource, since: datetime | None, page: str | None, limit: int
) -> tuple[Rows, str | None]:
    """One page, and the token of the next. Leads: the archived ones follow, for which the vendor takes no time."""
    if resource.entity == "user":
        rows, _ = await client.rows(resource.path, ())
        return rows, None
    listing, _, start = (page or LIVE).partition(":")
    archived = listing == ARCHIVED
    order = "update_time DESC" if archived and since is not None else f"{resource.order} ASC"
    query = [("limit", str(limit)), ("sort", order)]
    if since is not None and not archived:
        query.append(("updated_since", write_seconds(since)))
    path = f"{resource.path}/archived" if archived else resource.path
    rows, following = await client.rows_by_offset(path, query, int(start or 0))
    if archived and since is not None:
        young = [row for row in rows if (changed := changed_at(row)) is None or changed >= since]
        following = following if len(young) == len(rows) else None
        rows = young
    if following is not None:
        return rows, f"{listing}:{following - limit // 10}"
    return rows, ARCHIVED if listing == LIVE and resource.entity == "lead" else None


async def newest_by_offset(client: PipedriveClient, resource: Resource, after: datetime) -> Rows:
    """Created at or after `after`, by falling time of creation."""
    if resource.entity == "user":
        return []
    found: list[Mapping[str, Any]] = []
    start: int | None = 0
    while start is not None:
        query = [("limit", str(NEWEST_PAGE)), ("sort", "add_time DESC")]
        rows, start = await client.rows_by_offset(resource.path, query, start)
        for row in rows:
            created = read_instant(row["add_time"]) if row.get("add_time") else None
            if created is None or created < after:
                return found
            found.append(row)
    return found


def changed_at(row: Mapping[str, Any]) -> datetime | None:
    said = row.get("update_time") or row.get("add_time")
    return read_instant(said) if said else None
