"""Watches the bridge's calls at the products, and notes in the ledger what it read and when, and what it changed."""

import asyncio
import json
import re
from collections import defaultdict
from typing import Any
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from tests.storms.eyes import CRM_TABLE, Eyes
from tests.storms.ledger import Ledger, Place, Shown
from tests.storms.site import CRM, ERP, Site
from tests.storms.wire import Exchange

PATHS = {
    CRM: re.compile(r"^/api/v2/(organizations|persons|deals)(?:/(\d+))?$"),
    ERP: re.compile(r"^/v1/crm/(contacts|deals)(?:/(\d+))?$"),
}
EVENT = re.compile(r"/(?:CREATE|UPDATE)_CRM_(DEAL|CONTACT)/")
TOLD = {"DEAL": "deal", "CONTACT": "person"}
CLAIMED_SECONDS = 0.1
"""A claim makes its first call within this long."""
KIND_OF = {table: kind for kind, table in CRM_TABLE.items()}


class Watch:
    def __init__(self, site: Site, eyes: Eyes, ledger: Ledger) -> None:
        self.site, self.eyes, self.ledger = site, eyes, ledger
        self.read_at: dict[Place, float] = {}
        self.told_at: dict[Place, list[float]] = defaultdict(list)
        self.began: WeakKeyDictionary[asyncio.Task[Any], float] = WeakKeyDictionary()
        self.writes = 0
        self.log: list[str] = []
        site.wire.before, site.wire.after, site.wire.accepted = self.before, self.after, self.accepted

    def before(self, exchange: Exchange) -> Any:
        """The record that a call is about and what it shows now; None for calls about no record."""
        if exchange.task is not None:
            self.began.setdefault(exchange.task, exchange.began)
        found = PATHS[exchange.host].match(exchange.path) if exchange.host in PATHS else None
        if found is None:
            return None
        side, table, record_id = "crm" if exchange.host == CRM else "erp", found[1], found[2]
        if record_id is None:
            return side, table, None, {}, {}
        kind = self._kind(side, table, record_id)
        values = self.eyes.values(side, kind, record_id) if kind and self.eyes.lives(side, kind, record_id) else {}
        carried = self._people() if side == "erp" and exchange.method == "PUT" and kind == "company" else {}
        return side, table, record_id, values, carried

    def _people(self) -> dict[Place, tuple[int, dict[str, Any]]]:
        """The company and the values of everybody in the erp."""
        places = [("erp", "person", record_id) for record_id in self.eyes.all("erp", "person")]
        return {place: (self._employer(place), self.eyes.values(*place)) for place in places}

    def _employer(self, person: Place) -> int:
        return int((self.eyes.raw(*person) or {}).get("organization_id", 0))

    def accepted(self, url: str, body: bytes) -> None:
        """A callback reported an edit of an erp record, without its version. Some bodies name no record."""
        event = EVENT.search(url)
        record_id = _named(body) if event else None
        if event and record_id is not None:
            self.told_at["erp", TOLD[event[1]], record_id].append(self.site.clock.monotonic())

    def _told_at(self, exchange: Exchange, place: Place) -> float:
        """When the last edit was reported before the claim that makes this call began."""
        claimed = self.began.get(exchange.task, exchange.began) if exchange.task else exchange.began
        return max((at for at in self.told_at[place] if at < claimed - CLAIMED_SECONDS), default=-1.0)

    def _kind(self, side: str, table: str, record_id: str) -> str | None:
        if table == "contacts":
            return next((kind for kind in ("company", "person") if self.eyes.raw(side, kind, record_id)), None)
        kind = KIND_OF[table]
        return kind if self.eyes.raw(side, kind, record_id) else None

    def after(self, exchange: Exchange, token: Any) -> None:
        if token is None:
            return
        side, table, record_id, before, carried = token
        if exchange.method == "GET":
            self._read(side, table, record_id)
            return
        if exchange.method == "POST" and record_id is None:
            last = self.site.crm.state.last_ids if side == "crm" else self.site.erp.state.last_ids
            record_id = str(
                last.get(KIND_OF[table] if side == "crm" and KIND_OF[table] != "company" else TABLE_IDS[table], 0)
            )
        kind = self._kind(side, table, record_id) if record_id else None
        if kind is None:
            return
        place = (side, kind, record_id)
        if exchange.method == "DELETE":
            self._deleted(place, bool(before))
            return
        if exchange.method == "POST" and (place, "name") in self.ledger.shown:
            return  # refused: the newest record is an older one
        if self.eyes.lives(*place):
            self._wrote(exchange, place, before)
            self._moved(exchange, place, carried)

    def _read(self, side: str, table: str, record_id: str | None) -> None:
        kind = self._kind(side, table, record_id) if record_id else None
        if kind is not None and record_id is not None:
            faults = self.site.crm.faults if side == "crm" else self.site.erp.faults
            self.read_at[side, kind, record_id] = self.site.clock.monotonic() - faults.lag(table)

    def _wrote(self, exchange: Exchange, place: Place, before: dict[str, Any]) -> None:
        values, tag, now = self.eyes.values(*place), self.eyes.tag(*place), self.site.clock.monotonic()
        changed = {name: (before.get(name), value) for name, value in values.items() if before.get(name) != value}
        self.writes += 1
        self.log.append(f"{now:.2f}   bridge {exchange.method} {place} {tag} {changed}")
        read_at, told_at = self.read_at.get(place, -1.0), self._told_at(exchange, place)
        unsure = self.ledger.bridge(place, tag, before, values, read_at=read_at, told_at=told_at)
        if exchange.method == "POST":
            self.ledger.unsure_records[place] = now
        life, task = self.site.life, exchange.task
        if task is not None:
            task.add_done_callback(lambda ended: self._ended(ended, exchange, life, unsure, place))

    def _moved(self, exchange: Exchange, company: Place, people: dict[Place, tuple[int, dict[str, Any]]]) -> None:
        """Deskera moves the people with whom a company is sent to that company.

        The bridge sends those whom its read of the company showed, so it may undo a move that was made after that read
        and not reported before. Any other move that it undoes stands.
        """
        for place, (employer, before) in people.items():
            if self._employer(place) == employer:
                continue
            values, tag, now = self.eyes.values(*place), self.eyes.tag(*place), self.site.clock.monotonic()
            moved = (before["company"], values["company"])
            self.log.append(f"{now:.2f}   bridge {exchange.method} {company} moves {place} {tag} {moved}")
            read_at, told_at = self.read_at.get(company, -1.0), self._told_at(exchange, place)
            for shown in self.ledger.bridge(place, tag, before, values, read_at=read_at, told_at=told_at):
                shown.sure = True

    def _ended(self, task: asyncio.Task[Any], exchange: Exchange, life: Any, unsure: list[Shown], place: Place) -> None:
        """The claim has ended. If its call was answered and the answer was stored, the bridge knows what arrived."""
        if task.cancelled() or task.exception() is not None or life.dead or not exchange.answered:
            self.log.append(f"{self.site.clock.monotonic():.2f}   unsure of {exchange.method} {place}")
            return
        for shown in unsure:
            shown.sure = True
        if exchange.method == "POST":
            self.ledger.unsure_records.pop(place, None)

    def _deleted(self, place: Place, lived: bool) -> None:
        """Check a delete of the bridge: only records deleted in the crm may be deleted, and only in the erp.

        Pipedrive names the survivor of a merge only in the callback. If that is lost, the merge looks like a delete.
        """
        if not lived or self.eyes.lives(*place):
            return
        self.writes += 1
        tag = self.eyes.tag(*place)
        self.log.append(f"{self.site.clock.monotonic():.2f}   bridge DELETE {place} {tag}")
        thing = self.ledger.things[place[1], tag]
        if place[0] == "crm" or not (thing.deleted["crm"] or thing.merged):
            self.ledger.inventions.append(f"the bridge deleted {place} ({tag}), which nobody had deleted in crm")


def _named(body: bytes) -> str | None:
    """The record that a callback of Deskera names, in any of its shapes; None if it names none."""
    try:
        said = json.loads(body)
    except ValueError:
        return next(iter(parse_qs(body.decode()).get("id", [])), None)
    said = said[0] if isinstance(said, list) else said
    said = said.get("data", said)
    return str(said["id"]) if "id" in said else None


TABLE_IDS = {"organizations": "organization", "contacts": "contacts", "deals": "deals"}
