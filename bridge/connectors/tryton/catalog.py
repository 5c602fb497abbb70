"""Lists whose items records point to by key and mappings by name: currencies, countries, languages,
units, employees, categories."""

from collections.abc import Iterable, Mapping
from functools import partial

from bridge.connectors.account_list import AccountList
from bridge.connectors.names import Names, Pins, Unresolved, pair_of
from bridge.connectors.tryton.client import TrytonClient
from bridge.connectors.tryton.columns import CATEGORIES, COUNTRIES, CURRENCIES, EMPLOYEES, LANGUAGES, UNITS
from bridge.domain.seams import Clock

SOURCES: Mapping[str, tuple[str, str]] = {
    CURRENCIES: ("currency.currency", "code"),
    COUNTRIES: ("country.country", "code"),
    LANGUAGES: ("ir.lang", "code"),
    UNITS: ("product.uom", "name"),
    EMPLOYEES: ("company.employee", "rec_name"),
    CATEGORIES: ("party.category", "rec_name"),
}
"""List -> its model, and the field that holds the name."""

Lists = Mapping[str, Names]


class Catalog:
    """Loads each list when a record first needs it."""

    def __init__(self, client: TrytonClient, pins: Pins, clock: Clock) -> None:
        self._client, self._pins = client, pins
        self._kept = {name: AccountList(clock, partial(self._load, name, Names(name))) for name in SOURCES}

    async def of(self, wanted: Iterable[str], *, fresh: bool = False) -> Lists:
        """The lists by name. `fresh`: load them from the database now."""
        return {name: await self._kept[name].get(fresh=fresh) for name in wanted}

    async def reload_for(self, problem: Unresolved) -> bool:
        """Reload the list of this name if that may help. Return True if it was reloaded."""
        kept = self._kept.get(problem.mark[0])
        return kept is not None and not problem.twice and await kept.again_for([problem.mark])

    async def _load(self, name: str, names: Names, oldest: float) -> Names:
        model, field = SOURCES[name]
        rows = await self._client.search_read(model, [], [field])
        await self._pins.update(names, rows, pair_of("id", field))
        return names
