"""Lists: GET of a collection and GET or POST /Archive/{provider} (pages "OData", "Archive").

Slim rows have a primary key as text, and display values. Full rows have raw and display values of each column. $top and
$skip select the page; a page that is not the last names the next as odata.nextLink.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults
from bridge.simulators.records import Record
from bridge.simulators.superoffice.access import caller_of
from bridge.simulators.superoffice.answers import Refused, json_object, whole
from bridge.simulators.superoffice.dates import View, view_of
from bridge.simulators.superoffice.filters import Column, parse_filter
from bridge.simulators.superoffice.providers import BY_ENTITY, Provider, providers
from bridge.simulators.superoffice.schema import Entity
from bridge.simulators.superoffice.state import Caller, State


@dataclass(frozen=True)
class _Query:
    """The parameters of a list, by name in lower case and without the dollar sign."""

    given: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.given.get(name, "")


class Archive:
    """Answers lists of every provider."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults

    def routes(self, root: str) -> list[web.RouteDef]:
        return [
            web.get(f"{root}/Archive/{{provider}}", self._named, allow_head=False),
            web.post(f"{root}/Archive/{{provider}}", self._named),
        ]

    def listing(self, request: web.Request, entity: Entity) -> web.Response:
        """The collection of an entity."""
        provider = providers(self._state)[BY_ENTITY[entity.name]]
        return self._answer(request, provider, _Query(_lower(request.query)))

    @property
    def default_top(self) -> int:
        return self._state.options.default_top

    def provider_names(self) -> list[str]:
        return sorted(providers(self._state))

    def provider(self, name: str) -> Provider:
        """The provider by its name, ignoring case. Raises Refused."""
        for own, provider in providers(self._state).items():
            if own.lower() == name.lower():
                return provider
        raise Refused(500, "SoArchiveException", f"no archive provider {name!r}")

    def chosen(self, provider: Provider, asked: str, order: str, caller: Caller) -> list[Record]:
        """The rows that match the filter, in that order. Raises Refused."""
        rows = provider.rows(self._faults.lag(provider.row_name))
        if asked:
            keep = parse_filter(asked, provider.columns, self._state.options.since_filter, caller.associate)
            rows = [row for row in rows if keep(row)]
        for part in reversed([part.split() for part in order.split(",") if part.strip()]):
            column = _column(provider, part[0])
            if column is None or column.kind == "datetime":
                raise Refused(500, "SoArchiveException", f"$orderby: cannot sort by {part[0]!r}")
            falling = len(part) > 1 and part[1].lower() == "desc"
            rows = sorted(rows, key=_order(column), reverse=falling)
        return rows

    async def _named(self, request: web.Request) -> web.Response:
        provider = self.provider(request.match_info["provider"])
        given = {key: str(value) for key, value in request.query.items()}
        if request.method == "POST":
            given |= {key: str(value) for key, value in (await json_object(request)).items()}
        return self._answer(request, provider, _Query(_lower(given)))

    def _answer(self, request: web.Request, provider: Provider, query: _Query) -> web.Response:
        rows = self.chosen(provider, query.text("filter"), query.text("orderby"), caller_of(request))
        top = whole(query.text("top"), self._state.options.default_top, "$top")
        skip = whole(query.text("skip"), 0, "$skip")
        view = view_of(request, self._state.zone, self._state.options.shift_days)
        shape = full_row if query.text("mode").lower() == "full" else _slim
        names = [name.strip() for name in query.text("select").split(",") if name.strip()]
        shown = [shape(provider, row, names, view) for row in rows[skip : skip + top]]
        following = None
        if skip + top < len(rows):
            following = str(request.url.update_query({"$top": top, "$skip": skip + top}))
        here = str(request.url.with_query(None))
        return web.json_response({"odata.metadata": f"{here}/$metadata", "odata.nextLink": following, "value": shown})


def _order(column: Column) -> Callable[[Record], tuple[bool, Any]]:
    """Sorts empty values first."""

    def place(row: Record) -> tuple[bool, Any]:
        value = column.raw(row)
        return (value is not None, 0 if value is None else value)

    return place


def _lower(given: Mapping[str, str]) -> dict[str, str]:
    return {key.lstrip("$").lower(): value for key, value in given.items()}


def _column(provider: Provider, name: str) -> Column | None:
    wanted = provider.key if name.lower() == "primarykey" else name
    return next((column for own, column in provider.columns.items() if own.lower() == wanted.lower()), None)


def _slim(provider: Provider, row: Record, names: list[str], view: View) -> Record:
    """A row with display values. Unknown columns are left out."""
    shown: Record = {"PrimaryKey": str(_key(provider, row)), "EntityName": provider.row_name}
    for name in names:
        column = _column(provider, name)
        if column is not None and name.lower() != "primarykey":
            shown[name] = _display(column, row, view)
    return shown


def full_row(provider: Provider, row: Record, names: list[str], view: View) -> Record:
    """A row with raw and display values of its columns."""
    columns: Record = {}
    for name in names:
        column = _column(provider, name)
        if column is not None:
            text = _display(column, row, view)
            plain = column.raw(row) if column.kind in ("list", "associate") else text
            columns[name] = {"RawValue": plain, "DisplayValue": "" if text is None else str(text), "TooltipHint": ""}
    return {"PrimaryKey": _key(provider, row), "EntityName": provider.row_name, "Column": columns}


def _key(provider: Provider, row: Record) -> int:
    return int(provider.columns[provider.key].raw(row))


def _display(column: Column, row: Record, view: View) -> Any:
    if column.display is not None:
        shown = column.display(row)
        if column.kind == "date":
            return view.moment(shown) if shown else None
        return view.text(shown) if column.kind == "list" else shown
    value = column.raw(row)
    if column.kind in ("date", "datetime"):
        return None if value is None else view.stamp(value)
    return value
