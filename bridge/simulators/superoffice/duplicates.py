"""Companies and projects that a new one may duplicate (REST reference: Duplicates,
DuplicateDomains, DuplicateRules)."""

from collections.abc import Iterable

from bridge.simulators.records import Record
from bridge.simulators.superoffice.shapes import RIGHTS
from bridge.simulators.superoffice.state import State

BY_NAME, BY_DOMAIN = "NameDepartment", "Domain"


def name_duplicates(rows: Iterable[Record], name: str, department: str = "") -> list[Record]:
    """Records with the same name, and with the same department if one is given, ignoring case."""
    wanted, part = name.casefold(), department.casefold()
    return [
        _entry(BY_NAME, row)
        for row in rows
        if row["Name"].casefold() == wanted and (not part or row["Department"].casefold() == part)
    ]


def domain_duplicates(rows: Iterable[Record], domain: str) -> list[Record]:
    wanted = domain.casefold()
    return [_entry(BY_DOMAIN, row) for row in rows if wanted in {one.casefold() for one in row["Domains"]}]


def duplicate_rules(state: State) -> list[Record]:
    """The rules by which the pages warn. The searches for duplicates do not use them."""
    return [
        {"Name": name, "DisplayName": name, "DisplayTooltip": "", "IsActive": active, **RIGHTS}
        for name, active in state.duplicate_rules.items()
    ]


def _entry(rule: str, row: Record) -> Record:
    shown = {"RuleName": rule, "SoPrimaryKey": row["id"], "EntryName": row["Name"]}
    number = row["OrgNr"] if "OrgNr" in row else row["ProjectNumber"]
    return {**shown, "EntryIdentifier": number, "RuleDisplayName": rule}
