"""The tables of `docs/troubleshooting.md`: every reason why a record stands still, its text, and what to do."""

import re
from collections.abc import Collection

from bridge.sync.reasons import DONE, SENTENCES, Reason

HEADING = "## What stands still, and what helps\n"
KINDS = {
    "The record waits, and the bridge tries it again by itself": "`waiting`",
    "A person is needed": "`dead letters`",
    "It is left alone": "",
}
"""By title: the list of `bridge status` that shows such records. The last title takes all other reasons."""


def reasons_tables(operations: str) -> str:
    """Return the tables in Markdown. `operations`: the text of docs/operations.md, whose table says what to do."""
    rows = _rows(operations)
    left = [reason for reason in Reason if reason not in DONE]
    text = []
    for title, heading in KINDS.items():
        here = [reason for reason in left if _shows(rows[reason], heading)]
        left = [reason for reason in left if reason not in here]
        text += [f"### {title}", "", "| code | what you read | what helps |", "| --- | --- | --- |"]
        text += [f"| `{reason}` | {_in_capitals(SENTENCES[reason])} | {rows[reason][1]} |" for reason in here]
        text.append("")
    return "\n".join(text)


def _rows(operations: str) -> dict[str, tuple[str, str]]:
    """Return, by code, two cells of its row: where `status` shows it, and what to do."""
    section = operations.partition(HEADING)[2].partition("\n## ")[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        for code in re.findall(r"`([a-z_]+)`", cells[0]):
            found[code] = (cells[3], cells[-1]) if len(cells) > 3 else ("", "")
    return found


def _shows(row: tuple[str, str], heading: str) -> bool:
    headings: Collection[str] = [part.strip() for part in row[0].split(",")]
    return not heading or heading in headings


def _in_capitals(sentence: str) -> str:
    """Return the sentence with its placeholders as words in capitals, as in the commands' help."""
    return re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda place: place[1].upper(), sentence)
