"""What changed in the columns of accounts, as `bridge status` and `bridge columns list` show it."""

from collections.abc import Iterable

from bridge.app.wording import moment
from bridge.store.engine import Store
from bridge.store.systems import Renamed

Row = dict[str, object]
LEVELS = ("fail", "warn", "info")
"""The values of `mapping.column_changes.Level`, the worst first."""


async def column_rows(store: Store, *, everything: bool = False) -> list[Row]:
    """Return the changes since the columns were accepted, the worst first. `everything`: with those that concern no
    mapping."""
    rows = [
        {
            "system": known.system,
            "entity": known.entity,
            "column": change["column"],
            "change": change["text"],
            "level": change["level"],
            "mappings": ", ".join(change["mappings"]) or "-",
            "since": moment(change["since"]),
        }
        for known in await store.account_columns.all()
        for change in known.changes
        if everything or change["level"] != "info"
    ]
    return sorted(rows, key=lambda row: LEVELS.index(str(row["level"])))


def renamed_rows(renamed: Iterable[Renamed]) -> list[Row]:
    """Return the names that changed at the accounts while mapping files still use the old ones."""
    return [
        {"system": one.system, "list": one.what, "in mappings": one.name, "there today": one.today} for one in renamed
    ]
