"""Finding records by what they hold: a name or an e-mail address, in what the store remembers of them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, func, or_, select, type_coerce

from bridge.domain.record import Side
from bridge.store.database import Database
from bridge.store.model import Json, TaskKey
from bridge.store.rows import IN_USE
from bridge.store.tables import journal, links


@dataclass(frozen=True, slots=True)
class Found:
    """A record, the one it is linked to, and the values it was found by. `other`: its id on the other side."""

    key: TaskKey
    other: str | None = None
    values: Json = field(default_factory=dict)


class Search:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def records(self, words: str, limit: int = 50) -> list[Found]:
        """Records one of whose remembered values contains `words`, in any case; linked ones first.

        What was only read and never linked is found by what the journal tells of it.
        """
        held = select(links.c.mapping, links.c.left, links.c.right, links.c.base)
        held = held.where(links.c.state.in_(IN_USE), _contains(links.c.base, words)).order_by(links.c.id).limit(limit)
        told = select(journal.c.mapping, journal.c.side, journal.c.rec, journal.c.other_rec, journal.c.detail)
        told = told.where(or_(_contains(journal.c.text, words), _contains(journal.c.detail, words)))
        told = told.order_by(journal.c.id.desc()).limit(limit * 10)

        def work(conn: Connection) -> list[Found]:
            return [*_linked(conn.execute(held), words), *_told(conn.execute(told))]

        found: dict[TaskKey, Found] = {}
        taken: set[TaskKey] = set()
        for one in await self._database.read(work):
            if one.key not in taken:
                found[one.key] = one
                taken |= {one.key, TaskKey(one.key.mapping, one.key.side.other, one.other or "")}
        return list(found.values())[:limit]


def _linked(rows: Iterable[Any], words: str) -> Iterator[Found]:
    for mapping, left, right, base in rows:
        values = {
            name: next(value for value in entry[:2] if isinstance(value, str) and words.casefold() in value.casefold())
            for name, entry in base.items()
            if any(isinstance(value, str) and words.casefold() in value.casefold() for value in entry[:2])
        }
        if values:  # else the words stand in a name of a field, or in a fingerprint
            side, rec, other = (Side.LEFT, left, right) if left else (Side.RIGHT, right, None)
            yield Found(TaskKey(mapping, side, rec), other, values)


def _told(rows: Iterable[Any]) -> Iterator[Found]:
    for mapping, side, rec, other, _ in rows:
        yield Found(TaskKey(mapping, Side(side), rec), other)


def _contains(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """In any case as far as the database knows cases; JSON is kept with every other letter escaped."""
    text = func.lower(type_coerce(column, Text))
    forms = {
        form.lower() for one in (words, words.lower(), words.title(), words.upper()) for form in (one, _escaped(one))
    }
    return or_(*(text.contains(form, autoescape=True) for form in sorted(forms)))


def _escaped(words: str) -> str:
    return json.dumps(words)[1:-1]
