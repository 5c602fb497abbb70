"""Undo, link, unlink and restore by a person. Without `go` the request is a preview; with `go` it is carried out."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import Field

from bridge.admin.operation import Given, Person
from bridge.app.build import Bridge
from bridge.app.desk.mappings import Named
from bridge.app.desk.records import Which
from bridge.app.desk.requesting import Outcome, send_request
from bridge.app.desk.words import exactly
from bridge.app.wording import moment_of

SHOW_SECONDS = 30.0
"""A preview takes longer, because it reads the records at their systems."""
DO_SECONDS = 10.0
CONFIRM = "confirm it to do this"
SHOWN = 20
TIMES = frozenset({"at", "since"})
"""Arguments that are times. The preview turns a time such as `2h` into a moment, and the action uses that moment."""
TIME = "A time, `2026-05-01 14:30` (UTC unless it names a zone), or how long ago: `30m`, `2h`, `3d`."
Go = Field(default=False, description="Do it; the default only shows what it would do.")
Note = Field(default="", max_length=1000, description="Kept in the audit log and in the record's history.")
Show = Field(default=SHOWN, ge=1, le=1000, description="How many records the preview reads and shows.")


class Undoing(Which):
    """A record whose last write is undone, or all writes since a time."""

    at: str | None = Field(default=None, max_length=40, description=f"Undo all writes since. {TIME}")
    go: bool = Go
    note: str = Note


class UndoingRun(Given):
    """All writes of a sweep, a backfill or an undo, by the name that stories and runs show."""

    run: str = Field(min_length=1, max_length=200)
    show: int = Show
    go: bool = Go
    note: str = Note


class UndoingMapping(Named):
    """All writes of a mapping since a time."""

    since: str = Field(min_length=1, max_length=40, description=TIME)
    show: int = Show
    go: bool = Go
    note: str = Note


class Linking(Which):
    """Two records to link. `other`: the id of the record of the other side."""

    other: str = Field(min_length=1, max_length=200)
    mapping: str | None = Field(default=None, max_length=200, description="Needed if several mappings have the entity.")
    prefer: str | None = Field(default=None, max_length=100, description="The side whose values win if they differ.")
    go: bool = Go
    note: str = Note


class Unlinking(Which):
    """A record whose pair ends, in every mapping or in one."""

    mapping: str | None = Field(default=None, max_length=200)
    go: bool = Go
    note: str = Note


class Restoring(Which):
    """A deleted record that is created again."""

    go: bool = Go
    note: str = Note


class Instructions:
    """Each method sends one request, for a preview or for the action."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def undo(self, person: Person, undoing: Undoing) -> Outcome:
        return await self._send(person, "undo", undoing.model_dump())

    async def undo_run(self, person: Person, undoing: UndoingRun) -> Outcome:
        return await self._send(person, "undo", undoing.model_dump())

    async def undo_mapping(self, person: Person, undoing: UndoingMapping) -> Outcome:
        return await self._send(person, "undo", undoing.model_dump())

    async def link(self, person: Person, linking: Linking) -> Outcome:
        return await self._send(person, "link", linking.model_dump())

    async def unlink(self, person: Person, unlinking: Unlinking) -> Outcome:
        return await self._send(person, "unlink", unlinking.model_dump())

    async def restore(self, person: Person, restoring: Restoring) -> Outcome:
        return await self._send(person, "restore", restoring.model_dump())

    async def _send(self, person: Person, kind: str, told: dict[str, Any]) -> Outcome:
        arguments = {key: value for key, value in told.items() if value not in (None, "")}
        since = None
        for key in arguments.keys() & TIMES:
            with suppress(ValueError):  # the answer of the request says what is wrong with the time
                since = arguments[key] = exactly(moment_of(arguments[key], self._bridge.store.now()))
        seconds = DO_SECONDS if told["go"] else SHOW_SECONDS
        came = await send_request(self._bridge, person, kind, {**arguments, "confirm": CONFIRM}, seconds)
        return came if told["go"] else replace(came, since=since)
