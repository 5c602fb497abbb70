"""Records: a record is one thing of an entity in one system. And which ids of records the store can keep."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge.domain.frozen import dataclass

Fields = Mapping[str, Any]
"""A record's columns in the form that every connector returns and accepts.

Nested mappings and lists of: str, int, bool, Decimal, date, datetime (aware, UTC) and None. Custom fields are
below `custom` by name. Choices, stages and options are labels, never vendor keys; references are the other record's
id as str. Multi-valued columns (e-mails, phones) are lists of {"value", "label", "primary"}.
Lines are a list of mappings, each with its own id as `id` if it has one. An absent key means *unread*.
"""


@dataclass(frozen=True, slots=True, order=True)
class RecordRef:
    """Which record: `id` is the vendor's id as text, whatever type the vendor uses."""

    system: str
    entity: str
    id: str

    def __str__(self) -> str:
        return f"{self.system} {self.entity} {self.id}"


@dataclass(frozen=True, slots=True)
class Record:
    """A record as one read showed it.

    `modified_at` is the vendor's modification time, the record's version; None if the vendor keeps none. `raw` is the
    vendor's own form, kept for systems that accept only whole records. `modified_by`: who made this version, as people
    call them (`user 7`); None if the vendor does not say.
    """

    ref: RecordRef
    fields: Fields
    modified_at: datetime | None = None
    created_at: datetime | None = None
    archived: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    modified_by: str | None = field(default=None, compare=False)


class Evidence(StrEnum):
    """How the bridge knows that a record is gone."""

    FLAG = "flag"  # the vendor shows the record marked as deleted, or answers "gone"
    NOT_FOUND = "not_found"  # only a 404: deleted, purged, or no longer visible to the bridge
    EVENT = "event"  # the vendor sent a delete event


@dataclass(frozen=True, slots=True)
class Gone:
    """A read that found no live record. `merged_into` is the survivor's id when the vendor says so."""

    ref: RecordRef
    evidence: Evidence
    merged_into: str | None = None
    modified_at: datetime | None = None


class Side(StrEnum):
    """The two sides of a mapping in the code. People see the names that the mapping file gives them (`crm`, `erp`)."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> "Side":
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


SIDES = (Side.LEFT, Side.RIGHT)
"""Both sides: to loop over them takes a quarter of the time of a loop over `Side` itself."""


# ---- Ids that the store can keep: text that every database stores, in a length that fits every index ----


LONGEST_ID = 200
"""The most characters of a system's or entity's name, a record id or a vendor's event id. An index row fits three."""


def why_unstorable(text: str) -> str:
    """Return why the store cannot keep an id; "" if it can."""
    if len(text) > LONGEST_ID:
        return f"it has {len(text)} characters, and {LONGEST_ID} are kept"
    if storable(text) != text:
        return "it holds a NUL or half a character"
    return ""


def storable(text: str) -> str:
    """Return the text with all that some database cannot store replaced: NUL and half surrogate pairs."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
