"""Fills the tables of docs/scaling.md from the figures it names: docs/performance.md, systems.md and settings.md.

python .ci/scaling.py        # after docs/performance.md has new figures
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scaling.md"
MILLION = 1_000_000
HOUR_MS = 3_600_000
DAY_SECONDS = 86_400
CORE_HOUR = 0.05
"""Euro for an hour of one core: an assumption; put in your own value."""
READ_TOKENS, WRITE_TOKENS = 1, 5  # Pipedrive, as docs/settings.md says of `daily_tokens`


def measured(phase: str) -> dict[str, float]:
    """Return a row of the table "Result" in docs/performance.md, on PostgreSQL."""
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    result = page.split("### Result\n", 1)[1]
    (row,) = re.findall(rf"^\| `{phase}` \| postgres \|(.+)\|$", result, re.MULTILINE)
    cells = [cell.strip() for cell in row.split("|")]
    return {"cpu_ms": float(cells[1]), "statements": float(cells[3]), "transactions": float(cells[4])}


def calls(target: str) -> dict[str, int]:
    """Return the calls at the target for a create and an update, from docs/systems.md."""
    page = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {target} \| \w+ \|(.+)\|$", page, re.MULTILINE)
    at_target = [int(number) for number in re.findall(r"\((\d+)\)", row)]
    return {"create": at_target[0], "update": at_target[1]}


def pace(product: str) -> float:
    """Return the default of `requests_per_second`, from docs/settings.md."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    section = re.split(rf"^#+ .*{product}.*$", page, flags=re.MULTILINE | re.IGNORECASE)[1]
    (found,) = re.findall(r"^\| `requests_per_second` \| `([\d.]+)` \|", section.split("\n#", 1)[0], re.MULTILINE)
    return float(found)


def changes() -> str:
    rows = [
        "| change | CPU | a second on one core | CPU for a million | euro for a million | statements | transactions |"
    ]
    rows.append("| --- | --- | --- | --- | --- | --- | --- |")
    for phase, words in (("create", "create"), ("update", "update"), ("no-change", "callback without change")):
        at = measured(phase)
        hours = MILLION * at["cpu_ms"] / HOUR_MS
        rows.append(
            f"| {words} | {at['cpu_ms']:g} ms | {1000 / at['cpu_ms']:.0f} | {hours:.1f} h | {hours * CORE_HOUR:.2f} | "
            f"{at['statements']:g} | {at['transactions']:g} |"
        )
    return "\n".join(rows)


def vendors() -> str:
    rows = [
        "| target | limit | calls at it for an update | updates a second | a day | one core of the bridge could do |"
    ]
    rows.append("| --- | --- | --- | --- | --- | --- |")
    core = 1000 / measured("update")["cpu_ms"]
    for product in ("deskera", "entrust", "superoffice"):
        here, number = pace(product), calls(product)["update"]
        second = here / number
        rows.append(
            f"| {product} | {here:g} calls a second (our default) | {number} | {second:.1f} | "
            f"{second * DAY_SECONDS:,.0f} | {core / second:.0f} times that |"
        )
    number = calls("pipedrive")["update"]
    tokens = WRITE_TOKENS + (number - 1) * READ_TOKENS
    day = 100_000 / tokens
    second = day / DAY_SECONDS
    rows.append(
        f"| pipedrive | its daily tokens; here 100,000 | {number} ({tokens} tokens) | {second:.2f} | {day:,.0f} | "
        f"{core / second:.0f} times that |"
    )
    return "\n".join(rows)


def filled(page: str) -> str:
    for name, text in (("changes", changes()), ("vendors", vendors())):
        head, rest = page.split(f"<!-- {name} -->\n", 1)
        page = f"{head}<!-- {name} -->\n{text}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
