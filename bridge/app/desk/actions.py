"""What people do: requests in the store with the person's name, done by the running bridge as those of commands are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from bridge.admin.operation import Given, Nothing, NotThere, Person
from bridge.app.build import Bridge
from bridge.app.desk.mappings import Named
from bridge.app.desk.records import Which
from bridge.app.desk.words import when
from bridge.settings.summary import summary
from bridge.store.audit import Deed
from bridge.store.requests import FAILED, Request

ANSWER_SECONDS = 3.0
STEP_SECONDS = 0.1
PLAIN = {"None": "not set", "True": "true", "False": "false", "[]": "none", "{}": "none"}
"""Values of settings as the file spells them."""
ABOUT = ("side", "entity", "record", "other", "mapping", "mode", "system", "field", "file")
"""What a line of the audit log names of what was asked for, in this order."""
Note = Field(default="", max_length=1000, description="Kept in the audit log and in the record's story.")


class Chosen(Which):
    """Whose value is taken for a field."""

    field: str = Field(max_length=200, description="The field, or `all`.")
    winner: str = Field(max_length=100, description="The side whose value is taken for both.")
    note: str = Note


class Noted(Which):
    """One record, with a note."""

    note: str = Note


class Some(Given):
    """Which dead letters: those of one reason, of a mapping, or those named one by one as [side, entity, record]."""

    mapping: str | None = Field(default=None, max_length=200)
    code: str | None = Field(default=None, max_length=60)
    records: list[tuple[str, str, str]] | None = Field(default=None, min_length=1, max_length=1000)
    note: str = Note


class Pausing(Named):
    """A mapping, and why."""

    reason: str = Field(default="", max_length=500, description="Shown by status, health and the pages.")


class Filling(Named):
    """A mapping whose older records are taken in."""

    preview: bool = Field(default=False, description="Only count what would be looked at.")


class Comparing(Given):
    """What is compared."""

    mapping: str | None = Field(default=None, max_length=200, description="Left out: every mapping.")
    full: bool = Field(default=False, description="Every record instead of those changed since the last sweep.")


class Approving(Named):
    """A mapping whose deletes are let through for a while."""

    minutes: int = Field(default=60, ge=1, le=1440)


class SystemNamed(Given):
    """A system by its name in the settings."""

    system: str = Field(max_length=100)


class Number(Given):
    """A request by its number."""

    request: int = Field(ge=1, le=2**53)


class Page(Given):
    """Which part of the audit log."""

    limit: int = Field(default=100, ge=1, le=500)
    before: int | None = Field(default=None, ge=1, le=2**53, description="Only what is older than the one of this id.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request. `state`: done, failed, or queued while it goes on in the background."""

    request: int
    action: str
    state: Literal["done", "failed", "queued"]
    text: str
    requested_at: str | None
    done_at: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the audit log."""

    id: int
    at: str | None
    person: str
    action: str
    about: str
    note: str
    answer: str


@dataclass(frozen=True, slots=True)
class Log:
    """What people did, the newest first. `before`: where the rest begins; None at the end."""

    acts: list[Act]
    before: int | None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the settings: (key, value); secrets are `set` or `unset`."""

    name: str
    values: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """The settings this bridge runs with."""

    sections: list[Section]


class Actions:
    """Each action is one request; the person's name is stored in the same transaction."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def resync(self, person: Person, which: Noted) -> Outcome:
        return await self._ask(person, "resync", which.model_dump())

    async def retry(self, person: Person, some: Some) -> Outcome:
        return await self._ask(person, "dead-letters retry", some.model_dump(exclude_none=True))

    async def discard(self, person: Person, some: Some) -> Outcome:
        return await self._ask(person, "dead-letters discard", some.model_dump(exclude_none=True))

    async def choose(self, person: Person, chosen: Chosen) -> Outcome:
        return await self._ask(person, "conflicts choose", chosen.model_dump())

    async def pause(self, person: Person, pausing: Pausing) -> Outcome:
        reason = pausing.reason or f"paused by {person.name}"
        return await self._ask(person, "pause", {"mapping": pausing.mapping, "reason": reason})

    async def resume(self, person: Person, named: Named) -> Outcome:
        return await self._ask(person, "resume", named.model_dump())

    async def approve(self, person: Person, approving: Approving) -> Outcome:
        return await self._ask(person, "approve", approving.model_dump())

    async def backfill(self, person: Person, filling: Filling) -> Outcome:
        return await self._ask(person, "backfill", filling.model_dump())

    async def reconcile(self, person: Person, comparing: Comparing) -> Outcome:
        return await self._ask(person, "reconcile", comparing.model_dump())

    async def repair_hooks(self, person: Person, given: Nothing) -> Outcome:
        return await self._ask(person, "hooks repair", {})

    async def resume_system(self, person: Person, named: SystemNamed) -> Outcome:
        self._known(named.system)
        return await self._ask(person, "resume", {"mapping": named.system})

    async def check_system(self, person: Person, named: SystemNamed) -> Outcome:
        self._known(named.system)
        return await self._ask(person, "systems check", named.model_dump())

    async def request(self, person: Person, number: Number) -> Outcome:
        found = await self._bridge.store.requests.get(number.request)
        if found is None:
            raise NotThere(f"there is no request {number.request}; requests are kept for a week")
        return _outcome(found)

    async def log(self, person: Person, page: Page) -> Log:
        deeds = await self._bridge.store.audit.recent(page.limit + 1, page.before)
        shown = deeds[: page.limit]
        return Log([_act(deed) for deed in shown], shown[-1].id if len(deeds) > page.limit else None)

    async def settings(self, person: Person, given: Nothing) -> Shown:
        sections: dict[str, list[tuple[str, str]]] = {}
        for line in summary(self._bridge.settings):
            key, _, value = line.partition(" = ")
            head, _, rest = key.partition(".")
            if head == "systems":
                name, _, rest = rest.partition(".")
                head = f"systems.{name}"
            told = PLAIN.get(value, value)
            sections.setdefault(head if rest else "general", []).append((rest or head, told))
        return Shown([Section(name, values) for name, values in sections.items()])

    def _known(self, system: str) -> None:
        if system not in self._bridge.connectors:
            raise NotThere(f"no system is called `{system}`; known: {', '.join(sorted(self._bridge.connectors))}")

    async def _ask(self, person: Person, kind: str, arguments: Mapping[str, Any]) -> Outcome:
        """Put it into the store and wait a moment: most requests are answered at once."""
        store, clock = self._bridge.store, self._bridge.seams.clock
        number = await store.requests.ask(kind, arguments, person.name)
        end = clock.monotonic() + ANSWER_SECONDS
        while (found := await store.requests.get(number)) is not None:
            if found.done_at is not None or clock.monotonic() >= end:
                return _outcome(found)
            await clock.sleep(STEP_SECONDS)
        raise NotThere(f"request {number} is gone")


def _outcome(request: Request) -> Outcome:
    state: Literal["done", "failed", "queued"] = "queued"
    text = "The request is queued and continues in the background."
    if request.done_at is not None:
        state = "failed" if request.answer.startswith(FAILED) else "done"
        text = request.answer.removeprefix(FAILED)
    asked, done = when(request.asked_at), when(request.done_at)
    return Outcome(request.id, request.kind, state, text, asked, done)


def _act(deed: Deed) -> Act:
    told = deed.arguments
    about = [str(told[key]) for key in ABOUT if told.get(key)]
    about += [" ".join(one) for one in told.get("records") or ()][:5]
    about += [f"{key} {told[key]}" for key in ("winner", "run", "code", "minutes", "reason") if told.get(key)]
    about += [key for key in ("full", "preview") if told.get(key)]
    about += ["only shown"] if told.get("go") is False else []
    answer = deed.answer or ("continues in the background" if deed.request is not None else "")
    return Act(deed.id, when(deed.at), deed.person, deed.action, " ".join(about), str(told.get("note") or ""), answer)
