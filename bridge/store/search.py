"""Finding records by what people know of them: an id, or a piece of text in their stored values."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, func, or_, select, type_coerce

from bridge.domain.record import SIDES, Side
from bridge.domain.values import dataclass
from bridge.store.database import Database
from bridge.store.model import Json, Link, LinkState, TaskKey
from bridge.store.statements import IN_USE, chunks, has_key, link_from
from bridge.store.tables import journal, link_refs, links, mappings, record_keys, tasks

PORTION = 1000
"""Links that are searched at once. Between two portions the daemon does other work."""
SHOWN = (LinkState.INTENDED, LinkState.LIVE, LinkState.FROZEN, LinkState.UNKNOWN, LinkState.TOMBSTONE)


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and the values it was found by. `other`: the id of its counterpart."""

    key: TaskKey
    other: str | None = None
    values: Json = field(default_factory=dict)


class Search:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_id(self, record_id: str, limit: int) -> list[TaskKey]:
        """Every record of this id that has a link or a task, whatever its mapping and side."""

        def work(conn: Connection) -> list[TaskKey]:
            keys: dict[TaskKey, None] = {}
            for side in SIDES:
                for name in self._names(conn):
                    task = select(tasks.c.rec).where(has_key(tasks, [(name, side.value, record_id)]))
                    link = select(links.c.id).where(links.c.mapping == name, links.c[side.value] == record_id, _shown())
                    if conn.scalar(task) is not None or conn.scalar(link.limit(1)) is not None:
                        keys[TaskKey(name, side, record_id)] = None
            return list(keys)[:limit]

        return await self._database.read(work)

    async def by_keys(self, hashes: Collection[str], limit: int) -> list[TaskKey]:
        """Records that showed one of these match keys when they were last seen."""
        owner = (record_keys.c.mapping, record_keys.c.side, record_keys.c.rec)
        if not hashes:
            return []

        def work(conn: Connection) -> list[TaskKey]:
            found: list[TaskKey] = []
            for side in SIDES:
                for name in self._names(conn):
                    for some in chunks(sorted(hashes)):
                        here = (record_keys.c.mapping == name, record_keys.c.side == side.value)
                        query = select(*owner).where(*here, record_keys.c.hash.in_(some)).limit(limit)
                        found += [
                            TaskKey(mapping, Side(at), record_id) for mapping, at, record_id in conn.execute(query)
                        ]
            return found[:limit]

        return await self._database.read(work)

    async def portion(self, text: str, after: int) -> tuple[list[Link], int | None]:
        """Links of the next portion, by id, with `text` in their base; and where to continue, None at the end."""
        last = select(links.c.id).where(links.c.id > after).order_by(links.c.id).offset(PORTION - 1).limit(1)

        def work(conn: Connection) -> tuple[list[Link], int | None]:
            end = conn.scalar(last)
            within = links.c.id > after if end is None else links.c.id.between(after + 1, end)
            query: Select[Any] = select(links).where(within, _shown(), _contains(links.c.base, text))
            rows = conn.execute(query.order_by(links.c.id)).mappings()
            return [link_from(row) for row in rows], end

        return await self._database.read(work)

    async def records(self, words: str, limit: int = 50) -> list[Found]:
        """Records with `words` in one of their stored values, in upper or lower case; linked ones first.

        A record that was read but never linked is found by its journal entries.
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

    async def newest(self, limit: int) -> list[Link]:
        """The newest pairs."""
        query = select(links).where(_shown()).order_by(links.c.id.desc()).limit(limit)
        return await self._database.read(lambda conn: [link_from(row) for row in conn.execute(query).mappings()])

    async def children(self, link: int, limit: int) -> list[Link]:
        """Links whose base names this link."""
        named = select(link_refs.c.link).where(link_refs.c.target == link).limit(limit)
        query = select(links).where(links.c.id.in_(named.scalar_subquery()), _shown()).order_by(links.c.id)
        return await self._database.read(lambda conn: [link_from(row) for row in conn.execute(query).mappings()])

    @staticmethod
    def _names(conn: Connection) -> list[str]:
        return list(conn.execute(select(mappings.c.name)).scalars())


def _shown() -> Any:
    return links.c.state.in_([state.value for state in SHOWN])


def _linked(rows: Iterable[Any], words: str) -> Iterator[Found]:
    for mapping, left, right, base in rows:
        values = {
            name: next(value for value in entry[:2] if isinstance(value, str) and words.casefold() in value.casefold())
            for name, entry in base.items()
            if any(isinstance(value, str) and words.casefold() in value.casefold() for value in entry[:2])
        }
        if values:  # otherwise the words are in the name of a field, or in a fingerprint
            side, record_id, other = (Side.LEFT, left, right) if left else (Side.RIGHT, right, None)
            yield Found(TaskKey(mapping, side, record_id), other, values)


def _told(rows: Iterable[Any]) -> Iterator[Found]:
    for mapping, side, record_id, other, _ in rows:
        yield Found(TaskKey(mapping, Side(side), record_id), other)


def _contains(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    """Whether the column contains the words in any case that the database knows. JSON has non-ASCII letters escaped."""
    text = func.lower(type_coerce(column, Text))
    forms = {
        form.lower() for one in (words, words.lower(), words.title(), words.upper()) for form in (one, _escaped(one))
    }
    return or_(*(text.contains(form, autoescape=True) for form in sorted(forms)))


def _escaped(words: str) -> str:
    return json.dumps(words)[1:-1]
