"""The part `column changes` of health, and its figures."""

from collections.abc import Mapping, Sequence

from bridge.domain.record import SIDES
from bridge.mapping.column_changes import Level, names_used
from bridge.mapping.model import Mapping as RecordMapping
from bridge.monitoring.health import CheckResult, Status
from bridge.store.model import Scope
from bridge.store.systems import AccountColumns, Renamed

LEVELS = {Level.FAIL: Status.FAIL, Level.WARN: Status.WARN, Level.INFO: Status.PASS}


def changes_check(
    known: Sequence[AccountColumns], renamed: Sequence[Renamed], used: Mapping[str, set[str]]
) -> CheckResult:
    """Return the check result. `used`: by system, the names that mappings use."""
    found = [(Level(change["level"]), one, change) for one in known for change in one.changes]
    found = sorted((item for item in found if item[0] is not Level.INFO), key=lambda item: list(Level).index(item[0]))
    new_names = [one for one in renamed if one.name in used.get(one.system, ())]
    number = len(found) + len(new_names)
    if not number:
        return CheckResult(Status.PASS, "nothing that mappings use was changed at the accounts", 0, "changes")
    if found:
        level, one, change = found[0]
        text = f"{one.system} {one.entity}: `{change['column']}` {change['text']} ({', '.join(change['mappings'])})"
        remedy = (
            f"`bridge check --live` says what to correct, `bridge columns list` shows all, `bridge columns accept "
            f"{one.system}` ends this once it is as you want it"
        )
    else:
        level, first = Level.WARN, new_names[0]
        text = (
            f"{first.system} {first.what}: `{first.name}` is called `{first.today}` now; "
            "mappings continue with the old name"
        )
        remedy = (
            f"write the new name into the mapping files, then `bridge names accept {first.system}`; "
            "`bridge names list` shows all"
        )
    more = f" (and {number - 1} more)" if number > 1 else ""
    return CheckResult(LEVELS[level], f"{text}{more}: {remedy}", number, "changes")


def used_names(mappings: Mapping[str, RecordMapping], scopes: Mapping[str, Scope]) -> dict[str, set[str]]:
    """Return, by system, the names of all custom fields and options that mappings use."""
    used: dict[str, set[str]] = {}
    for name, mapping in mappings.items():
        for side in SIDES:
            used.setdefault(scopes[name].endpoint(side).system, set()).update(names_used(mapping, side))
    return used


def change_numbers(known: Sequence[AccountColumns]) -> dict[tuple[str, str], float]:
    """Return the number of changes by system and level, for metrics."""
    numbers: dict[tuple[str, str], float] = {}
    for one in known:
        for level in Level:
            many = sum(change["level"] == level for change in one.changes)
            numbers[one.system, level.value] = numbers.get((one.system, level.value), 0) + many
    return numbers
