"""Finding records, and everything known about one: its pair, the values last agreed on, related records, its story."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from pydantic import Field

from bridge.admin.operation import Given, NotThere, Person
from bridge.app.build import Bridge
from bridge.app.desk.story import Ahead, Entry, Ref, ahead, of_journal, of_person
from bridge.app.desk.words import address, arrow, name, shown, title
from bridge.app.why import causes, crossed_without, nexts, now_line, places
from bridge.domain.errors import ConfigError
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES, Side
from bridge.mapping.merge import FieldBase, load_base
from bridge.mapping.model import Field as Row
from bridge.mapping.model import Mapping as RecordMapping
from bridge.mapping.translate import key_hash
from bridge.mapping.values import UNREAD, LinkId, Untranslatable, parts_of
from bridge.store.journal import AuditEntry
from bridge.store.model import Link, LinkState, Scope, TaskKey, TaskState

STORY = 200
RELATIVES = 50
AUDIT_ENTRIES = 300
MOST_PORTIONS = 200
"""How many portions of links are searched for a text: the newest 200,000 links. If there are more, the search says
so."""


class Search(Given):
    """The text to search for: an id, a name, an e-mail address, or a part of one."""

    q: str = Field(default="", max_length=200, description="An id, a name or an e-mail address, or a piece of them.")
    limit: int = Field(default=50, ge=1, le=200)


class Which(Given):
    """One record, by side, entity and id."""

    side: str = Field(max_length=100)
    entity: str = Field(max_length=200)
    record: str = Field(max_length=200)


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found, and its counterpart."""

    mapping: str
    state: str
    here: Ref
    there: Ref | None


@dataclass(frozen=True, slots=True)
class Hits:
    """`complete`: whether everything was searched."""

    found: list[Hit]
    complete: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """The values of one field that both sides agreed on last. `rule`: how the field crosses."""

    field: str
    rule: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """What one mapping knows about a record. `due`: it waits; `dead`: it needs a person. `undoable`: the records whose
    last write can be undone. `restorable`: it belonged to a pair that ended."""

    mapping: str
    version: str
    sides: list[str]
    here: Ref
    there: Ref | None
    state: str
    title: str
    now: str
    next: list[Ahead]
    due: bool
    dead: bool
    fields: list[Agreed]
    parents: list[Ref]
    children: list[Ref]
    conflicts: list[str]
    undoable: list[Ref]
    restorable: bool
    story: list[Entry]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything known about a record, with one part for each mapping that keeps it in sync."""

    side: str
    entity: str
    record: str
    pairs: list[Pair] = field(default_factory=list)


class Finder:
    """Looks up records in the store. It calls no system."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def search(self, person: Person, wanted: Search) -> Hits:
        text, search, plan = wanted.q.strip(), self._bridge.store.search, self._bridge.plan
        if not text:
            newest = [link for link in await search.newest(wanted.limit) if link.mapping in plan.scopes]
            return Hits([self._of_link(link, text) for link in newest], True)
        keys = await search.by_id(text, wanted.limit)
        keys += await search.by_keys(self._hashes(text), wanted.limit)
        found: dict[tuple[str, frozenset[str]], Hit] = {}
        for key in dict.fromkeys(keys):
            if hit := await self._of_key(key):
                found.setdefault(_same(hit), hit)
        after: int | None = 0
        for _ in range(MOST_PORTIONS):
            if after is None or len(found) >= wanted.limit:
                break
            some, after = await search.portion(text, after)
            for link in some:
                if link.mapping in plan.scopes and self._holds(link, text):
                    hit = self._of_link(link, text)
                    found.setdefault(_same(hit), hit)
            await self._bridge.seams.clock.sleep(0)
        return Hits(list(found.values())[: wanted.limit], after is None)

    def _hashes(self, text: str) -> set[str]:
        """Return the match keys of a record that has this value in one field."""
        found = set()
        for mapping in self._bridge.plan.mappings.values():
            for names in mapping.match:
                row = mapping.named.get(names[0])
                if len(names) == 1 and row is not None and (value := _parsed(row, text)) is not None:
                    found.add(key_hash(mapping, names, {names[0]: value}))
        return {one for one in found if one is not None}

    def _holds(self, link: Link, text: str) -> bool:
        """Whether a value of the pair contains the text. A hit in the stored base is not enough: it holds more than
        values."""
        mapping = self._bridge.plan.mappings[link.mapping]
        wanted = text.casefold()
        return any(
            wanted in (shown(value) or "").casefold()
            for entry in load_base(mapping, link.base).values()
            for value in (entry.left, entry.right)
        )

    async def _of_key(self, key: TaskKey) -> Hit | None:
        scope = self._bridge.plan.scopes.get(key.mapping)
        if scope is None:
            return None
        link = await self._bridge.store.links.of(key.mapping, key.side, key.record_id)
        if link is not None:
            return self._of_link(link, key.record_id, key.side)
        end = scope.endpoint(key.side)
        here = Ref(end.name, end.entity, key.record_id, name(end, key.record_id), address(end, key.record_id))
        return Hit(key.mapping, "not linked", here, None)

    def _of_link(self, link: Link, text: str, side: Side | None = None) -> Hit:
        which = side or (Side.RIGHT if link.right == text or link.left is None else Side.LEFT)
        here, there = (self._ref(link, one) for one in (which, which.other))
        assert here is not None
        return Hit(link.mapping, link.state.value, here, there)

    def _ref(self, link: Link, side: Side) -> Ref | None:
        record_id, end = link.record_id(side), self._bridge.plan.scopes[link.mapping].endpoint(side)
        if record_id is None:
            return None
        about = title(self._bridge.plan.mappings.get(link.mapping), link)
        return Ref(end.name, end.entity, record_id, name(end, record_id), address(end, record_id), about)

    async def story(self, person: Person, which: Which) -> Story:
        """Return everything known about a record. Raises NotThere if no mapping keeps this side and entity in sync."""
        plan, store = self._bridge.plan, self._bridge.store
        entries = [entry for entry in await store.audit.recent(AUDIT_ENTRIES) if _about(entry, which)]
        pairs = []
        for scope, side in kept_in_sync(plan.scopes, which):
            link = await store.links.of(scope.mapping, side, which.record)
            pairs.append(await self._pair(scope, side, which.record, link, entries))
        return Story(which.side, which.entity, which.record, pairs)

    async def _pair(
        self, scope: Scope, side: Side, record_id: str, link: Link | None, entries: Sequence[AuditEntry]
    ) -> Pair:
        store, mapping = self._bridge.store, self._bridge.plan.mappings[scope.mapping]
        own = TaskKey(scope.mapping, side, record_id)
        task, end = await store.tasks.get(own), scope.endpoint(side)
        base = load_base(mapping, link.base) if link is not None else {}
        parents = await self._parents(base)
        children = await store.search.children(link.id, RELATIVES) if link is not None else []
        story = await self._story(scope, side, record_id, entries)
        lines = await nexts(store, scope, side, record_id, link)
        lines += await crossed_without(store, self._bridge.plan.scopes, own)
        return Pair(
            mapping=mapping.name,
            version=mapping.version,
            sides=[mapping.left.name, mapping.right.name],
            here=Ref(end.name, end.entity, record_id, name(end, record_id), address(end, record_id)),
            there=self._ref(link, side.other) if link is not None else None,
            state=link.state.value if link is not None else "not linked",
            title=title(mapping, link),
            now=now_line(scope, side, record_id, link),
            next=[ahead(line) for line in lines],
            due=task is not None and task.state in (TaskState.DUE, TaskState.WAITING),
            dead=task is not None and task.state is TaskState.DEAD,
            fields=_agreed(mapping, base, parents),
            parents=[ref for ref in (self._ref(one, side) for one in parents.values()) if ref],
            children=[ref for ref in (self._ref(one, side) for one in children if self._knows(one)) if ref],
            conflicts=[
                name for name, entry in sorted(((link.held if link else None) or {}).items()) if entry.get("asked")
            ],
            undoable=list({entry.wrote.name: entry.wrote for entry in story if entry.wrote is not None}.values()),
            restorable=link is None and await self._was_paired(own),
            story=story,
        )

    async def _was_paired(self, key: TaskKey) -> bool:
        last = (await self._bridge.store.verifications.histories(key.mapping, key.side, [key.record_id])).get(
            key.record_id
        )
        return last is not None and last.state in (LinkState.TOMBSTONE, LinkState.PARTED)

    def _knows(self, link: Link) -> bool:
        return link.mapping in self._bridge.plan.scopes

    async def _parents(self, base: Mapping[str, FieldBase]) -> dict[int, Link]:
        values = [part for one in base.values() for value in (one.left, one.right) for part in parts_of(value)]
        ids = {value.id for value in values if isinstance(value, LinkId)}
        found = await self._bridge.store.links.many(ids)
        return {number: link for number, link in found.items() if self._knows(link)}

    async def _story(self, scope: Scope, side: Side, record_id: str, entries: Sequence[AuditEntry]) -> list[Entry]:
        """Return the story, the newest entry first: the bridge's actions and people's requests in one order."""
        rows = await self._bridge.store.journal.about(scope.mapping, side, record_id, limit=STORY)
        actors = await causes(self._bridge.store, scope, rows)
        told = [(row.at, of_journal(scope, row, actors)) for row in rows]
        told += [(one.at, of_person(one)) for one in entries]
        return [entry for _, entry in sorted(told, key=lambda one: -one[0])]


def _same(hit: Hit) -> tuple[str, frozenset[str]]:
    """Return a key that is equal for both records of a pair, so that the pair is shown once."""
    return hit.mapping, frozenset({hit.here.name, *([hit.there.name] if hit.there else [])})


def kept_in_sync(scopes: Mapping[str, Scope], which: Which) -> list[tuple[Scope, Side]]:
    """Return the mappings that keep this record in sync, with its side. Raises NotThere, which names what is known."""
    try:
        return places(scopes, which.side, which.entity)
    except ConfigError as error:
        raise NotThere("; ".join(str(problem) for problem in error.problems)) from None


def _parsed(row: Row, text: str) -> Any:
    """Return the canonical value of a text in a field of this type; None if the text is not such a value."""
    for side in SIDES:
        columns = row.columns_of(side)
        if columns is not None and len(columns.paths) == 1 and row.link is None:
            try:
                value = columns.parse(text)
            except (Untranslatable, ValueError, TypeError, AttributeError, ArithmeticError):
                continue
            if value is not None and value is not UNREAD:
                return value
    return None


def _agreed(mapping: RecordMapping, base: Mapping[str, FieldBase], parents: Mapping[int, Link]) -> list[Agreed]:
    names = link_names(parents.values())
    return [
        Agreed(
            row.name,
            rule_of(mapping, row),
            shown(base[row.name].left, names[Side.LEFT]),
            shown(base[row.name].right, names[Side.RIGHT]),
        )
        for row in mapping.fields
        if row.name in base
    ]


def link_names(links: Iterable[Link]) -> dict[Side, dict[int, str]]:
    """Return, by side, the text for each link id: the record that the link means on that side."""
    found = list(links)
    return {
        side: {link.id: f"{link.mapping} {link.record_id(side) or '(not known yet)'}" for link in found}
        for side in SIDES
    }


def rule_of(mapping: RecordMapping, row: Row) -> str:
    """Return in a few words how a field crosses: `crm → erp, email`."""
    way = f"{mapping.left.name} {arrow(row.flows)} {mapping.right.name}"
    return f"{way}, {'link to ' + row.link if row.link else row.type}"


def _about(entry: AuditEntry, which: Which) -> bool:
    told = entry.arguments
    own = [str(told.get(key)) for key in ("side", "entity", "record")] == [which.side, which.entity, which.record]
    return own or any(list(one) == [which.side, which.entity, which.record] for one in told.get("records") or ())
