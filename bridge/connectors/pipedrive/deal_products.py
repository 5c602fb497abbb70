"""Products of deals, REST v2. They are read for up to 100 deals at once, and written in few calls.

New lines go in one call (a hundred at most), deleted lines in one call, and each changed line in its own call. Source:
the vendor's OpenAPI description of API v2 (Deals), which also says what a line needs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from bridge.connectors.pipedrive.client import LARGEST_PAGE, PipedriveClient
from bridge.connectors.pipedrive.manifest import DEAL_PRODUCT
from bridge.connectors.pipedrive.values import READERS, WRITERS, nullable
from bridge.connectors.several import Calls
from bridge.domain.errors import Rejected, RetryLater
from bridge.domain.record import Fields

AT_ONCE = 100
PATH = "api/v2/deals"


async def read_lines(client: PipedriveClient, system: str, record_ids: Sequence[str]) -> dict[str, list[Fields]]:
    """The lines by deal, as records show them, in the order of their ids. Raises RetryLater."""
    found: dict[str, list[Fields]] = {}
    for some in _portions(record_ids):
        cursor: str | None = None
        while True:
            query = [("deal_ids", ",".join(some)), ("limit", str(LARGEST_PAGE)), ("sort_by", "id")]
            rows, cursor = await client.rows(f"{PATH}/products", [*query, *([("cursor", cursor)] if cursor else [])])
            for row in rows:
                try:
                    found.setdefault(str(row["deal_id"]), []).append(read_line(row))
                except (KeyError, TypeError, ValueError) as error:
                    raise RetryLater(system, f"a product of a deal cannot be understood: {error!r}") from None
            if cursor is None:
                break
    return found


def read_line(row: Mapping[str, Any]) -> Fields:
    return {
        name: str(row[name]) if name == "id" else nullable(READERS[spec.type], row[name])
        for name, spec in DEAL_PRODUCT.items()
        if name in row
    }


def line_calls(
    client: PipedriveClient, system: str, deal: str, held: Sequence[Fields], wanted: Sequence[Fields]
) -> Calls:
    """The calls that turn the held lines of a deal into the wanted ones. After a failed call, the next read shows what
    was done.

    Raises Rejected for what cannot be written, before any call is made.
    """
    known = {str(line.get("id")): line for line in held}
    kept = {str(line["id"]): line for line in wanted if line.get("id") is not None}
    path = f"{PATH}/{deal}/products"
    changes = {line: _changed(known[line], kept[line]) for line in known if line in kept}
    bodies = {line: _body(system, fields) for line, fields in changes.items() if fields}
    new = [_body(system, line) for line in wanted if line.get("id") is None]
    several, one = f"{PATH}/:id/products", f"{PATH}/:id/products/:id"
    return [
        *(
            partial(client.delete_some, path, several, some)
            for some in _portions([line for line in known if line not in kept])
        ),
        *(partial(client.change, path, line, body, template=one) for line, body in bodies.items()),
        *(partial(client.create_some, path, several, some) for some in _portions(new)),
    ]


def _changed(before: Fields, after: Fields) -> dict[str, Any]:
    return {name: value for name, value in after.items() if name != "id" and before.get(name) != value}


def _body(system: str, line: Mapping[str, Any]) -> dict[str, Any]:
    body = {}
    for name, value in line.items():
        spec = DEAL_PRODUCT.get(name)
        if spec is None or not spec.writable:
            raise Rejected(system, f"{name} of a deal's product cannot be written", field=f"products.{name}")
        write: Callable[[Any], Any] = WRITERS[spec.type]
        try:
            body[name] = _EMPTY.get(name) if value is None else write(value)
        except (ValueError, TypeError, KeyError) as wrong:
            raise Rejected(system, f"products.{name}: {wrong}", field=f"products.{name}") from None
    return body


_EMPTY: Mapping[str, Any] = {"comments": "", "discount": 0, "tax": 0}
"""What is sent for an emptied column of a line. The vendor accepts null for none of these."""


def _portions(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
