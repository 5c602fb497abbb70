"""What people do on pages and with the API: requests with their name in the store, which the running bridge carries
out."""

import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from bridge.admin.operation import ABOUT, Given, Nothing, NotThere, Person
from bridge.app.build import Bridge
from bridge.app.desk.mappings import Named, find_mapping
from bridge.app.desk.records import Which
from bridge.app.desk.requesting import Outcome, do_here, outcome, send_request
from bridge.app.desk.words import when
from bridge.app.folder import set_mode
from bridge.domain.frozen import dataclass
from bridge.settings.summary import entries
from bridge.store.journal import AuditEntry

PLAIN = {"None": "not set", "True": "true", "False": "false", "[]": "none", "{}": "none"}
"""Values of settings, spelled as in the settings file."""
Note = Field(default="", max_length=1000, description="Kept in the audit log and in the record's history.")


class Chosen(Which):
    """Which side's value is taken for a field."""

    field: str = Field(max_length=200, description="The field, or `all`.")
    winner: str = Field(max_length=100, description="The side whose value both sides get.")
    note: str = Note


class Noted(Which):
    """One record, with a note."""

    note: str = Note


class Some(Given):
    """Which dead letters: those with one reason, those of a mapping, or those named as [side, entity, record]."""

    mapping: str | None = Field(default=None, max_length=200)
    code: str | None = Field(default=None, max_length=60)
    records: list[tuple[str, str, str]] | None = Field(default=None, min_length=1, max_length=1000)
    note: str = Note


class Pausing(Named):
    """A mapping and the reason for its pause."""

    reason: str = Field(default="", max_length=500, description="Shown by status, health and the pages.")


class Filling(Named):
    """A mapping whose records from before going live are synced."""

    preview: bool = Field(default=False, description="Only count the records that would be synced.")


class Comparing(Given):
    """Which mappings are compared, and how."""

    mapping: str | None = Field(default=None, max_length=200, description="Default: every mapping.")
    full: bool = Field(default=False, description="Every record instead of those changed since the last sweep.")


class Approving(Named):
    """A mapping whose held deletes are allowed for some time."""

    minutes: int = Field(default=60, ge=1, le=1440)


class Moding(Named):
    """A mapping and the mode it gets."""

    mode: Literal["live", "shadow"]


class SystemNamed(Given):
    """A system by its name in the settings."""

    system: str = Field(max_length=100)


class Rotating(SystemNamed):
    """A system whose hooks get new addresses."""

    overlap: float = Field(default=24.0, ge=0, le=8760, description="For how many hours old addresses stay valid.")


class HookNamed(SystemNamed):
    """A hook of a system that a mapping needs."""

    hook: str = Field(max_length=200, description="The hook's name in the list of hooks, such as `any.deal`.")


class Stopping(HookNamed):
    """A hook that is stopped, and why."""

    reason: str = Field(default="", max_length=500, description="Shown by status, health and the page Hooks.")


class Number(Given):
    """A request by its number."""

    request: int = Field(ge=1, le=2**53)


class Page(Given):
    """A part of the audit log."""

    limit: int = Field(default=100, ge=1, le=500)
    before: int | None = Field(
        default=None, ge=1, le=2**53, description="Only entries older than the one with this id."
    )


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
    """What people did, the newest first. `before`: the id where the next page begins; None at the end."""

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
        return await self._send(person, "resync", which.model_dump())

    async def retry(self, person: Person, some: Some) -> Outcome:
        return await self._send(person, "dead-letters retry", some.model_dump(exclude_none=True))

    async def discard(self, person: Person, some: Some) -> Outcome:
        return await self._send(person, "dead-letters discard", some.model_dump(exclude_none=True))

    async def choose(self, person: Person, chosen: Chosen) -> Outcome:
        return await self._send(person, "conflicts choose", chosen.model_dump())

    async def pause(self, person: Person, pausing: Pausing) -> Outcome:
        reason = pausing.reason or f"paused by {person.name}"
        return await self._send(person, "pause", {"mapping": pausing.mapping, "reason": reason})

    async def resume(self, person: Person, named: Named) -> Outcome:
        return await self._send(person, "resume", named.model_dump())

    async def approve(self, person: Person, approving: Approving) -> Outcome:
        return await self._send(person, "approve", approving.model_dump())

    async def backfill(self, person: Person, filling: Filling) -> Outcome:
        return await self._send(person, "backfill", filling.model_dump())

    async def reconcile(self, person: Person, comparing: Comparing) -> Outcome:
        return await self._send(person, "reconcile", comparing.model_dump())

    async def repair_hooks(self, person: Person, given: Nothing) -> Outcome:
        return await self._send(person, "hooks repair", {})

    async def resume_system(self, person: Person, named: SystemNamed) -> Outcome:
        self._known(named.system)
        return await self._send(person, "resume", {"mapping": named.system})

    async def check_system(self, person: Person, named: SystemNamed) -> Outcome:
        self._known(named.system)
        return await self._send(person, "systems check", named.model_dump())

    async def rotate_hooks(self, person: Person, rotating: Rotating) -> Outcome:
        self._known(rotating.system)
        return await self._send(person, "hooks rotate", rotating.model_dump())

    async def stop_hook(self, person: Person, stopping: Stopping) -> Outcome:
        return await self._send(person, "hooks stop", stopping.model_dump())

    async def start_hook(self, person: Person, named: HookNamed) -> Outcome:
        return await self._send(person, "hooks start", named.model_dump())

    async def mode(self, person: Person, moding: Moding) -> Outcome:
        """Set the mode in this instance's settings file and in the bridge. Raises ConfigError if the file cannot be
        changed."""
        find_mapping(self._bridge, moding.mapping)
        set_mode(self._bridge.settings.places.path, os.environ, moding.mapping, moding.mode)
        return await do_here(self._bridge, person, "mode", moding.model_dump())

    async def request(self, person: Person, number: Number) -> Outcome:
        found = await self._bridge.store.requests.get(number.request)
        if found is None:
            raise NotThere(f"there is no request {number.request}; requests are kept for a week")
        return outcome(found)

    async def log(self, person: Person, page: Page) -> Log:
        found = await self._bridge.store.audit.recent(page.limit + 1, page.before)
        shown = found[: page.limit]
        return Log([_act(one) for one in shown], shown[-1].id if len(found) > page.limit else None)

    async def settings(self, person: Person, given: Nothing) -> Shown:
        sections: dict[str, list[tuple[str, str]]] = {}
        for key, value in entries(self._bridge.settings):
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

    async def _send(self, person: Person, kind: str, arguments: Mapping[str, Any]) -> Outcome:
        return await send_request(self._bridge, person, kind, arguments)


def _act(entry: AuditEntry) -> Act:
    told = entry.arguments
    about = [str(told[key]) for key in ABOUT if told.get(key)]
    about += [" ".join(one) for one in told.get("records") or ()][:5]
    about += [f"{key} {told[key]}" for key in ("winner", "run", "code", "minutes", "reason", "store") if told.get(key)]
    times = [one for key in ("at", "since") if (one := told.get(key)) is not None]
    about += [f"since {one if isinstance(one, str) else when(one)}" for one in times]
    about += [key for key in ("full", "preview") if told.get(key)]
    about += ["only shown"] if told.get("go") is False else []
    answer = entry.answer or ("continues in the background" if entry.request is not None else "")
    return Act(
        entry.id, when(entry.at), entry.person, entry.action, " ".join(about), str(told.get("note") or ""), answer
    )
