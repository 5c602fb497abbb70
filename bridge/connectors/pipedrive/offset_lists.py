"""Listings of REST v1, read by offset: leads, notes, users. Vendor page "Pagination".

Pages overlap, because a record that is deleted meanwhile moves all later ones forward. A page token is
`<listing>:<start>`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.connectors.pipedrive.client import PipedriveClient
from bridge.connectors.pipedrive.manifest import Resource
from bridge.connectors.pipedrive.values import known_instant
from bridge.connectors.plain_values import write_seconds

LIVE, ARCHIVED = "live", "archived"
NEWEST_PAGE = 100
Rows = Sequence[Any]
"""Rows as the vendor returned them. A row that cannot be understood never counts as old, so that
it is counted as skipped."""


async def page_by_offset(
    client: PipedriveClient, resource: Resource, since: datetime | None, page: str | None, limit: int
) -> tuple[Rows, str | None]:
    """One page, and the token of the next. Archived leads follow the live ones; the vendor
    cannot filter them by time."""
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
        young = [row for row in rows if not _is_before(since, row, "update_time", "add_time")]
        following = following if len(young) == len(rows) else None
        rows = young
    if following is not None:
        return rows, f"{listing}:{following - limit // 10}"
    return rows, ARCHIVED if listing == LIVE and resource.entity == "lead" else None


async def newest_by_offset(client: PipedriveClient, resource: Resource, after: datetime) -> Rows:
    """Rows created at or after `after`, newest first."""
    if resource.entity == "user":
        return []
    found: list[Any] = []
    start: int | None = 0
    while start is not None:
        query = [("limit", str(NEWEST_PAGE)), ("sort", "add_time DESC")]
        rows, start = await client.rows_by_offset(resource.path, query, start)
        for row in rows:
            if _is_before(after, row, "add_time"):
                return found
            found.append(row)
    return found


def _is_before(moment: datetime, row: Any, *names: str) -> bool:
    """Whether the row is older than `moment`, by the first of these times that it shows."""
    said = next((row[name] for name in names if row.get(name)), None) if isinstance(row, Mapping) else None
    shown = known_instant(said)
    return shown is not None and shown < moment
