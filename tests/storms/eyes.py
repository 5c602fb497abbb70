"""How people see the records of both products: as plain values that mean the same on either side.

Every value that a person enters identifies its entry: a name begins with the thing's tag and a number ("T7 v12"), an
address with a number; e-mail addresses, phone numbers, amounts and dates are never used twice. Only stages and segments
repeat.
"""

from decimal import Decimal
from typing import Any

from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import PipedriveSimulator

SIDES = ("crm", "erp")
KINDS = ("company", "person", "deal")
FIELDS = {
    "company": ("name", "address"),
    "person": ("name", "email", "phone", "company"),
    "deal": ("name", "amount", "person", "company", "close", "stage", "segment"),
}
REFERENCES = {"person": {"company": "company"}, "deal": {"person": "person", "company": "company"}}
KEYS = {"company": "name", "person": "email"}
"""The field by which a thing is matched; people are matched by name and company as well."""
CRM_TABLE = {"company": "organizations", "person": "persons", "deal": "deals"}
ERP_TABLE = {"company": "contacts", "person": "contacts", "deal": "deals"}
ERP_TYPE = {"company": "organization", "person": "person"}
CRM_STAGES = {1: "qualified", 2: "qualified", 3: "proposal", 4: "proposal"}
ERP_STAGES = {"Qualified": "qualified", "Proposal": "proposal", "Won": "won", "Lost": "lost"}
CRM_SEGMENTS = {"Large": "L", "Medium": "M", "Small": "S"}
ERP_SEGMENTS = {"Gold": "L", "Silver": "M", "Bronze": "S"}


def key_of(text: str | None, words: int) -> str | None:
    """The words of a text that identify its entry."""
    return " ".join(text.split()[:words]) if text else None


class Eyes:
    def __init__(self, crm: PipedriveSimulator, erp: DeskeraSimulator) -> None:
        self.crm, self.erp = crm, erp
        options = next(iter(_enum(crm)))["options"]
        self.segments = {option["id"]: CRM_SEGMENTS[option["label"]] for option in options}

    # -- which records there are ------------------------------------------------------------------------------------
    def raw(self, side: str, kind: str, record_id: str) -> dict[str, Any] | None:
        """The record as stored, even if deleted; None if it never existed."""
        if side == "crm":
            return self.crm.state.tables[CRM_TABLE[kind]].get(record_id)
        row = self.erp.state.tables[ERP_TABLE[kind]].get(record_id)
        return row if row is not None and row.get("type") == ERP_TYPE.get(kind) else None

    def lives(self, side: str, kind: str, record_id: str) -> bool:
        row = self.raw(side, kind, record_id)
        return row is not None and not row.get("is_deleted") and "_gone" not in row

    def all(self, side: str, kind: str, *, deleted: bool = False) -> list[str]:
        """Ids of the live records, or of the deleted ones."""
        table = (self.crm.state if side == "crm" else self.erp.state).tables
        ids = [record_id for record_id, _row in table[(CRM_TABLE if side == "crm" else ERP_TABLE)[kind]].rows()]
        shown = [record_id for record_id in ids if self.raw(side, kind, record_id)]
        return [record_id for record_id in shown if self.lives(side, kind, record_id) is not deleted]

    def tag(self, side: str, kind: str, record_id: str) -> str:
        """The tag of the thing that this record is about."""
        row = self.raw(side, kind, record_id)
        assert row is not None, f"no {side} {kind} {record_id}"
        return self.text(side, kind, record_id, "name").split()[0]

    def text(self, side: str, kind: str, record_id: str, field: str) -> str:
        """The whole text as stored."""
        row = self.raw(side, kind, record_id) or {}
        if field == "address":
            return str((row.get("address") or {}).get("value") or "" if side == "crm" else row.get("address") or "")
        return str(row.get("title" if (side, kind) == ("crm", "deal") else "name") or "")

    # -- what records show ------------------------------------------------------------------------------------------
    def values(self, side: str, kind: str, record_id: str) -> dict[str, Any]:
        """The mapped fields of a record."""
        row = self.raw(side, kind, record_id)
        assert row is not None
        found: dict[str, Any] = {"name": key_of(self.text(side, kind, record_id, "name"), 2)}
        if kind == "company":
            found["address"] = key_of(self.text(side, kind, record_id, "address"), 1)
        elif kind == "person":
            found |= self._person(side, row)
        else:
            found |= self._crm_deal(row) if side == "crm" else self._erp_deal(row)
        return found

    def _person(self, side: str, row: dict[str, Any]) -> dict[str, Any]:
        if side == "crm":
            email, phone, company = _primary(row["emails"]), _primary(row["phones"]), row.get("org_id")
        else:
            email, company = row["email"], row["organization_id"]
            phone = row["phone"] and row["country_code"] + row["phone"]
        digits = "".join(letter for letter in phone or "" if letter.isdigit())
        return {"email": (email or "").lower() or None, "phone": digits or None, "company": self._named(side, company)}

    def _crm_deal(self, row: dict[str, Any]) -> dict[str, Any]:
        codes = row["custom_fields"]
        return {
            "amount": (Decimal(str(row["value"])).normalize(), row["currency"]),
            "person": self._named("crm", row.get("person_id"), "person"),
            "company": self._named("crm", row.get("org_id")),
            "close": row.get("expected_close_date") or None,
            "stage": row["status"] if row["status"] != "open" else CRM_STAGES[row["stage_id"]],
            "segment": self.segments.get(codes.get(self.crm.field_code("deals", "Segment"))),
        }

    def _erp_deal(self, row: dict[str, Any]) -> dict[str, Any]:
        stage = self.erp.state.stage(row["stage_id"])
        assert stage is not None
        return {
            "amount": (Decimal(str(row["amount"])).normalize(), row["currency_code"]),
            "person": self._named("erp", row.get("contact_id"), "person"),
            "company": self._named("erp", row.get("organization_id")),
            "close": (row.get("closing_date") or "")[:10] or None,
            "stage": ERP_STAGES[stage[1]["name"]],
            "segment": ERP_SEGMENTS.get(row["custom"].get("SEGMENT", "")),
        }

    def _named(self, side: str, record_id: Any, kind: str = "company") -> str | None:
        """The tag of the thing that a reference names; None if that record is gone."""
        return self.tag(side, kind, str(record_id)) if record_id and self.lives(side, kind, str(record_id)) else None


def _primary(items: list[dict[str, Any]]) -> str | None:
    return next((item["value"] for item in items or [] if item.get("primary")), None)


def _enum(crm: PipedriveSimulator) -> Any:
    return (field for field in crm.state.fields["deal"].values() if field["field_name"] == "Segment")
