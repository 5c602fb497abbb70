"""What accounts changed about their columns, as `bridge status` and `bridge columns list` show it."""

from collections.abc import Iterable

from bridge.app.wording import moment
from bridge.store.engine import Store
from bridge.store.systems import Renamed

Row = dict[str, object]
LEVELS = ("fail", "warn", "info")
"""As `mapping.column_changes.Level` has them, the worst first."""


async def column_rows(store: Store, *, everything: bool = False) -> list[Row]:
    """Changes since the columns were accepted, the worst first. `everything`: those that concern no mapping as well."""
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
    """What mapping files may go on calling by an old name."""
    return [
        {"system": one.system, "list": one.what, "in mappings": one.name, "there today": one.today} for one in renamed
    ]
