"""`make docs`: writes the generated pages, and the generated parts of others, into a folder."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from bridge.app.shipped import SCHEMA, shipped_pairs
from bridge.cli.describe import describe as describe_commands
from bridge.cli.reasons_page import reasons_tables
from bridge.connectors.describe import describe as describe_systems
from bridge.connectors.registry import CONNECTORS, OPTIONS
from bridge.domain.record import SIDES
from bridge.mapping.json_schema import general_schema
from bridge.mapping.load import load_mappings
from bridge.mapping.reference import functions_table, types_table
from bridge.monitoring.describe import labels_table, metrics_table
from bridge.settings.describe import describe as describe_settings

CALLS = """
## What a change costs in calls

Counted at the simulators, for a flat record, with nothing else under way: calls at both sides together, and in brackets
those at the target. An update counts its echo. A create costs two calls more where the callback about the new record
comes before the answer that names it. A callback without change costs one read more where neither callbacks nor reads
say a version: the first read may lag. `python -m tests.pairs.calls` writes the table, and a test fails when a change
costs more.

"""


def pages(folder: Path) -> Mapping[str, str]:
    """Return the text of every page that is generated or has generated parts, by file name."""
    mapping = (folder / "mapping.md").read_text(encoding="utf-8")
    for part, text in {"types": types_table(), "functions": functions_table(), "shipped": _shipped()}.items():
        mapping = _filled(mapping, part, text)
    monitoring = (folder / "monitoring.md").read_text(encoding="utf-8")
    for part, text in {"metrics": metrics_table(), "labels": labels_table()}.items():
        monitoring = _filled(monitoring, part, text)
    systems = describe_systems(CONNECTORS) + CALLS + _part((folder / "systems.md").read_text(encoding="utf-8"), "calls")
    troubleshooting = (folder / "troubleshooting.md").read_text(encoding="utf-8")
    return {
        "commands.md": describe_commands(),
        "settings.md": describe_settings(OPTIONS),
        "systems.md": systems,
        "mapping.md": mapping,
        "troubleshooting.md": _filled(
            troubleshooting, "reasons", reasons_tables((folder / "operations.md").read_text(encoding="utf-8"))
        ),
        "monitoring.md": monitoring,
    }


def _part(page: str, part: str) -> str:
    """Return the part unchanged, with its marks, because another command writes it."""
    begin, end = f"<!-- {part} -->\n", "<!-- end -->\n"
    return begin + page.partition(begin)[2].partition(end)[0] + end


def schema_text() -> str:
    """Return the JSON Schema of any mapping file, which the shipped files name for editors."""
    return json.dumps(general_schema(), indent=1, ensure_ascii=False) + "\n"


def _filled(page: str, part: str, text: str) -> str:
    """Return the page with `text` between the marks of this part."""
    begin, end = f"<!-- {part} -->\n", "<!-- end -->"
    before, _, rest = page.partition(begin)
    return before + begin + text + end + rest.partition(end)[2]


def _shipped() -> str:
    lines = ["| pair | mapping | between | new records in | rows |", "| --- | --- | --- | --- | --- |"]
    for pair, folder in shipped_pairs().items():
        for mapping in load_mappings(folder):
            sides = " and ".join(f"{mapping.side(side).product} {mapping.side(side).entity}" for side in SIDES)
            creates = ", ".join(mapping.side(side).name for side in SIDES if side in mapping.creates) or "none"
            rows = ", ".join(row.name for row in mapping.fields)
            lines.append(f"| {pair} | `{mapping.name}` | {sides} | {creates} | {rows} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name, text in pages(Path(sys.argv[1])).items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
    (Path(sys.argv[2]) / SCHEMA).write_text(schema_text(), encoding="utf-8")
