"""Keys and names of an account's own lists: options, stages, list items, custom fields.

A name is pinned to the vendor's key when it is first seen: mappings use names, and a rename must not silently turn one
thing into another. Two items with the same name are left out, and refused when used.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from bridge.connectors.protocols import CatalogCache
from bridge.connectors.rows import Listings, NotUnderstood, Row, row_id
from bridge.domain.record import storable

log = logging.getLogger(__name__)


class Unresolved(Exception):
    """A name or key that list `what` does not have, or (`twice`) has more than once."""

    def __init__(self, what: str, wanted: Any, *, twice: bool = False) -> None:
        super().__init__(f"{wanted!r} exists twice: rename one" if twice else f"{wanted!r} does not exist there")
        self.mark = (what, str(wanted))
        self.twice = twice


class Names:
    """One list; `what` names it in the store and in warnings."""

    def __init__(self, what: str = "") -> None:
        self.what = what
        self._pinned: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._keys: dict[str, list[str]] = {}

    def update(self, now: Mapping[str, str], pinned: Mapping[str, str]) -> list[str]:
        """Store the account's list and the pinned names. Return a sentence for each rename
        that was not reported before."""
        renamed = [
            f"{pinned[key]!r} is now called {name!r} (mappings must use the old name until the new one is accepted)"
            for key, name in now.items()
            if name != pinned[key] and name != self._now.get(key)
        ]
        self._pinned, self._now = dict(pinned), dict(now)
        self._keys = {}
        for key in now:
            self._keys.setdefault(pinned[key], []).append(key)
        return renamed

    def names(self) -> list[str]:
        """The names that mappings can use."""
        return [name for name, keys in self._keys.items() if len(keys) == 1]

    def duplicates(self) -> list[str]:
        return [name for name, keys in self._keys.items() if len(keys) > 1]

    def holds(self, key: Any) -> bool:
        """Whether the account's list has this key now."""
        return str(key) in self._now

    def name(self, key: Any, shown: Any = None) -> str:
        """The name of a key. `shown`: the text in the record itself, used for keys that are not in
        the list (deleted items)."""
        name = self._pinned.get(str(key)) or (str(shown).strip() if shown else None)
        if name is None:
            raise Unresolved(self.what, key)
        if len(self._keys.get(name, ())) > 1:
            raise Unresolved(self.what, name, twice=True)
        return name

    def key(self, name: Any) -> str:
        """The key of a pinned name, or else of the present name of a renamed item."""
        keys = self._keys.get(str(name)) or [key for key, today in self._now.items() if today == name]
        if len(keys) != 1:
            raise Unresolved(self.what, name, twice=len(keys) > 1)
        return keys[0]


Pair = tuple[Any, Any]
"""Key and name."""


def pair_of(key: str, name: str) -> Callable[[Row], Pair]:
    """Return a function that reads the key and the name of a row from these two columns."""
    return lambda row: (row_id(row, key), row.get(name))


class Pins:
    """Updates the lists of one system, through the cache of pinned names."""

    def __init__(self, system: str, cache: CatalogCache, listings: Listings) -> None:
        self._system, self._cache, self._listings = system, cache, listings

    async def update(self, names: Names, rows: Iterable[Any], read: Callable[[Row], Pair | None]) -> None:
        """`read` returns key and name of a row. If it returns None, or no name, the row is left out on purpose."""
        found = await self._listings.read(names.what, rows, partial(_named, read))
        now = {str(pair[0]): pair[1] for pair in found.rows if pair is not None}
        what, known = names.what, set(names.duplicates())
        for sentence in names.update(now, await self._cache.pin(self._system, what, now)):
            log.warning("%s: %s: %s", self._system, what, sentence)
        for doubled in sorted(set(names.duplicates()) - known):
            log.warning("%s: %s: %r appears several times and is left out", self._system, what, doubled)


def _named(read: Callable[[Row], Pair | None], row: Row) -> Pair | None:
    pair = read(row)
    if pair is None or pair[1] is None:
        return None
    key, name = pair
    if not isinstance(name, str | int | Decimal):
        raise NotUnderstood("its name is not text")
    # A name with characters that cannot be stored must not stop the whole list.
    text = storable(str(name).replace("\0", "")).strip()
    return (key, text) if text else None


class PinnedHere:
    """A cache that lives as long as the process."""

    def __init__(self) -> None:
        self._pinned: dict[tuple[str, str], dict[str, str]] = {}

    async def pin(self, system: str, what: str, now: Mapping[str, str]) -> Mapping[str, str]:
        pinned = self._pinned.setdefault((system, what), {})
        for key, name in now.items():
            pinned.setdefault(key, name)
        return pinned
