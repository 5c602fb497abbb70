"""People on both sides who edit the same records again and again, and how long each edit takes to cross."""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.world import HttpDelivery

MAIL = "p{number}@soak.example"
PHONES = 500
"""How many different numbers there are. The bridge remembers how some thousand numbers were read; ever new ones would
look like growth for an hour."""


@dataclass
class Wire:
    """Sends callbacks; keeps when the last one about each record was accepted, by system and record id."""

    inner: HttpDelivery = field(default_factory=HttpDelivery)
    accepted: dict[str, float] = field(default_factory=dict)
    sent: int = 0
    refused: int = 0

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        self.sent += 1
        try:
            status = await self.inner(method, url, headers, body, timeout)
        except (OSError, TimeoutError):
            self.refused += 1
            raise
        if status >= 300:
            self.refused += 1
        elif "/pipedrive/" in url:
            self.accepted[_record(body)] = time.monotonic()
        return status


def _record(body: bytes) -> str:
    return str(json.loads(body)["meta"]["entity_id"]) if body else ""


@dataclass
class People:
    """`names`: a person's current name by Pipedrive's id. Names are edited at the CRM, phones at the ERP."""

    crm: PipedriveSimulator
    erp: DeskeraSimulator
    wire: Wire
    chance: random.Random
    names: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    edits: int = 0
    latencies: list[float] = field(default_factory=list)
    _crossing: dict[str, tuple[str, float]] = field(default_factory=dict)

    def make(self, count: int) -> None:
        for number in range(count):
            emails = [{"value": MAIL.format(number=number), "label": "work", "primary": True}]
            made = self.crm.person_creates("persons", {"name": f"Person {number}", "emails": emails})
            self.names[str(made["id"])] = f"Person {number}"

    def pair(self) -> bool:
        """Whether every person has its contact."""
        by_mail = {row["email"]: str(row["id"]) for row in self.erp.state.rows("contacts")}
        self.contacts = {
            record: by_mail[MAIL.format(number=number)]
            for number, record in enumerate(self.names)
            if MAIL.format(number=number) in by_mail
        }
        return len(self.contacts) == len(self.names)

    def edit(self) -> None:
        """Change something at one of the two products, as a person."""
        self.edits += 1
        record = self.chance.choice(list(self.names))
        if self.chance.random() < 0.6:
            name = f"{self.names[record].split(' v')[0]} v{self.edits}"
            self.crm.person_edits("persons", record, {"name": name})
            self.names[record] = name
            self._crossing[record] = (name, time.monotonic())
        else:
            phone = f"+47 22{self.chance.randrange(PHONES):06}"
            self.erp.person_edits("contacts", self.contacts[record], {"phone": phone})

    def look(self) -> None:
        """Note the edits that have crossed since: from the accepted callback to the write."""
        now = time.monotonic()
        for record, (name, edited) in list(self._crossing.items()):
            row = self.erp.state.get("contacts", self.contacts[record])
            if row is None or row["name"] != name:
                continue
            del self._crossing[record]
            accepted = self.wire.accepted.get(record, 0.0)
            if accepted >= edited:  # otherwise a sweep found it: its callback was lost
                self.latencies.append(max(now - accepted, 0.0))

    def taken(self) -> list[float]:
        """Return the latencies since the last call."""
        found, self.latencies = self.latencies, []
        return found

    def differing(self) -> list[str]:
        """Return the names that did not cross."""
        rows: dict[str, Any] = {str(row["id"]): row for row in self.erp.state.rows("contacts")}
        return [name for record, name in self.names.items() if rows[self.contacts[record]]["name"] != name]
