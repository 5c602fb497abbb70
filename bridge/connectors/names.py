"""Keys and names of one list.

A name is pinned to the vendor's key when it is first seen: mappings speak in names, and a rename must not silently turn
one thing into another. Two things of equal name are left out, and refused when used.
"""

from collections.abc import Iterable
from typing import Any


class Unresolved(Exception):
    """A name or key the account does not have, or (`twice`) has several times."""

    def __init__(self, wanted: Any, *, twice: bool = False) -> None:
        super().__init__(f"{wanted!r} exists twice, rename one" if twice else f"{wanted!r} does not exist there")
        self.twice = twice


class Names:
    def __init__(self) -> None:
        self._pinned: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._keys: dict[str, list[str]] = {}

    def update(self, pairs: Iterable[tuple[Any, Any]]) -> list[str]:
        """Takes over the account's list; returns a sentence for each rename."""
        now = {str(key): str(name).strip() for key, name in pairs if str(name or "").strip()}
        renamed = [
            f"{self._now[key]!r} is now called {name!r} (mappings still say the old name)"
            for key, name in now.items()
            if self._now.get(key, name) != name
        ]
        for key, name in now.items():
            self._pinned.setdefault(key, name)
        self._now = now
        self._keys = {}
        for key in now:
            self._keys.setdefault(self._pinned[key], []).append(key)
        return renamed

    def names(self) -> list[str]:
        """The names that can be used."""
        return [name for name, keys in self._keys.items() if len(keys) == 1]

    def doubled(self) -> list[str]:
        return [name for name, keys in self._keys.items() if len(keys) > 1]

    def name(self, key: Any, shown: Any = None) -> str:
        """`shown`: the text the record itself shows, taken for keys the list does not hold (deleted items)."""
        name = self._pinned.get(str(key)) or (str(shown).strip() if shown else None)
        if name is None:
            raise Unresolved(key)
        if len(self._keys.get(name, ())) > 1:
            raise Unresolved(name, twice=True)
        return name

    def key(self, name: Any) -> str:
        """By the pinned name, else by today's name of a renamed thing."""
        keys = self._keys.get(str(name)) or [key for key, today in self._now.items() if today == name]
        if len(keys) != 1:
            raise Unresolved(name, twice=len(keys) > 1)
        return keys[0]
