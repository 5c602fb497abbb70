"""Writes records: checks, defaults and events."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.simulators.bottlecrm.state import GONE, STAGES, State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

_ADDRESS = ("address_line", "city", "state", "postcode", "country")
_PHONE = re.compile(r"[0-9+()./\- ]{7,25}")
LEAD_STATUSES = ("assigned", "in process", "converted", "recycled", "closed")
TEXTS: Mapping[str, tuple[str, ...]] = {
    "accounts": ("name", "email", "phone", "website", "industry", "currency", "description", *_ADDRESS),
    "contacts": (
        "first_name", "last_name", "email", "phone", "organization", "title", "department", "linkedin_url",
        "description", *_ADDRESS,
    ),
    "opportunities": ("name", "currency", "description", "stage", "pipeline"),
    "leads": (
        "title", "first_name", "last_name", "email", "phone", "job_title", "company_name", "website", "status",
        "currency", "description", *_ADDRESS,
    ),
}  # fmt: skip
OTHERS: Mapping[str, tuple[str, ...]] = {
    "accounts": ("annual_revenue", "number_of_employees"),
    "contacts": ("do_not_call", "account"),
    "opportunities": ("account", "amount", "probability", "closed_on"),
    "leads": ("opportunity_amount", "close_date"),
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "accounts": ("name",),
    "contacts": ("first_name", "last_name"),
    "opportunities": ("name",),
    "leads": (),
}
UNIQUE = {"accounts": ("Account", "name"), "contacts": ("Contact", "email")}
AMOUNTS = ("annual_revenue", "amount", "opportunity_amount")


class Invalid(Exception):
    """Ends a write. `errors`: what is wrong, by field."""

    def __init__(self, **errors: str) -> None:
        super().__init__(errors)
        self.errors = {name: [text] for name, text in errors.items()}


@dataclass(frozen=True)
class Event:
    """An event: which record changed, and how."""

    entity: str
    what: str
    record: Record


class Changes:
    """The only writer of records. Raises Invalid, and KeyError for a missing record."""

    def __init__(self, state: State, faults: Faults, publish: Callable[[Event], None]) -> None:
        self._state, self._faults, self._publish = state, faults, publish

    def create(self, entity: str, body: Mapping[str, Any]) -> Record:
        now = self._state.now_text()
        fresh: Record = {
            "id": self._state.world.new_id(),
            **dict.fromkeys((*TEXTS[entity], *OTHERS[entity])),
            "is_active": True,
            "created_at": now,
            "updated_at": now,
        }
        if entity == "opportunities":
            fresh |= {"pipeline": self._state.pipeline, "stage": STAGES[0][0], "probability": 10}
        if entity == "contacts":
            fresh["do_not_call"] = False
        if entity == "leads":
            fresh["status"] = LEAD_STATUSES[0]
        for name in REQUIRED[entity]:
            if name not in body:
                raise Invalid(**{name: "This field is required."})
        made = self._checked(entity, {**fresh, **self._given(entity, body)})
        self._state.tables[entity].put(made["id"], made)
        self._publish(Event(entity, "created", made))
        return made

    def edit(self, entity: str, record_id: str, body: Mapping[str, Any]) -> Record:
        before = self.found(entity, record_id)
        after = self._checked(entity, {**before, **self._given(entity, body), "updated_at": self._state.now_text()})
        self._state.tables[entity].put(record_id, after)
        self._publish(Event(entity, "updated", after))
        kind = {code: kind for code, _, kind in STAGES}.get(after.get("stage", ""))
        if entity == "opportunities" and before["stage"] != after["stage"] and kind in ("won", "lost"):
            self._publish(Event(entity, kind, after))
        return after

    def delete(self, entity: str, record_id: str) -> None:
        record = self.found(entity, record_id)
        self._state.tables[entity].put(record_id, {**record, GONE: True})
        self._publish(Event(entity, "deleted", record))

    def found(self, entity: str, record_id: str) -> Record:
        record = self._state.get(entity, record_id)
        if record is None:
            raise KeyError(record_id)
        return record

    def _given(self, entity: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The values in the body for known fields. Other values are ignored."""
        known = (*TEXTS[entity], *OTHERS[entity])
        body = self._faults.trimmed(entity, body)
        return {
            name: value.strip() if isinstance(value, str) else value for name, value in body.items() if name in known
        }

    def _checked(self, entity: str, record: Record) -> Record:
        for name in REQUIRED[entity]:
            if not record[name]:
                raise Invalid(**{name: "This field may not be blank."})
        for name in TEXTS[entity]:
            if record[name] is not None and not isinstance(record[name], str):
                raise Invalid(**{name: "Not a valid string."})
        if record.get("phone") and _PHONE.fullmatch(record["phone"]) is None:
            raise Invalid(phone="Enter a valid phone number (7-25 characters, digits and separators only)")
        if record.get("email") and "@" not in record["email"]:
            raise Invalid(email="Enter a valid email address.")
        amounts = {name: _amount(name, record[name]) for name in AMOUNTS if record.get(name) is not None}
        self._check_links(entity, record)
        self._check_twice(entity, record)
        return {**record, **amounts}

    def _check_links(self, entity: str, record: Record) -> None:
        if record.get("account") is not None and self._state.get("accounts", record["account"]) is None:
            raise Invalid(account="No such account.")
        for name in ("closed_on", "close_date"):
            if record.get(name) is not None:
                try:
                    date.fromisoformat(record[name])
                except (TypeError, ValueError):
                    raise Invalid(**{name: "Date has wrong format."}) from None
        if entity == "leads" and record["status"] not in LEAD_STATUSES:
            raise Invalid(status=f'"{record["status"]}" is not a valid choice.')
        if entity == "opportunities":
            kinds = {code: kind for code, _, kind in STAGES}
            if record["stage"] not in kinds:
                raise Invalid(stage=f'"{record["stage"]}" is not a valid choice.')
            if kinds[record["stage"]] != "open" and not record["closed_on"]:
                raise Invalid(closed_on="A deal cannot be closed without the date it closed on.")

    def _check_twice(self, entity: str, record: Record) -> None:
        if entity not in UNIQUE:
            return
        word, name = UNIQUE[entity]
        value = (record[name] or "").casefold()
        same = [row for row in self._state.rows(entity) if value and (row[name] or "").casefold() == value]
        if any(row["id"] != record["id"] for row in same):
            raise Invalid(**{name: f"{word} already exists with this {name}"})


def _amount(name: str, value: Any) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Invalid(**{name: "A valid number is required."}) from None
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -2:
        raise Invalid(**{name: "Ensure that there are no more than 2 decimal places."})
    return f"{number:.2f}"
