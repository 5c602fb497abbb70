"""The tables of `docs/troubleshooting.md`: every reason for which a record stands still, its text, and what helps."""

import re
from collections.abc import Collection

from bridge.sync.reasons import DONE, SENTENCES, Reason

HEADING = "## What stands still, and what helps\n"
KINDS = {
    "The record waits, and the bridge tries it again by itself": "`waiting`",
    "A person is needed": "`dead letters`",
    "It is left alone": "",
}
"""By title: the list of `bridge status` with such records. The last title takes all others."""


def reasons_tables(operations: str) -> str:
    """Markdown. `operations`: the text of docs/operations.md, whose table says what helps."""
    rows = _rows(operations)
    left = [reason for reason in Reason if reason not in DONE]
    text = []
    for title, heading in KINDS.items():
        here = [reason for reason in left if _shows(rows[reason], heading)]
        left = [reason for reason in left if reason not in here]
        text += [f"### {title}", "", "| code | what you read | what helps |", "| --- | --- | --- |"]
        text += [f"| `{reason}` | {_told(SENTENCES[reason])} | {rows[reason][1]} |" for reason in here]
        text.append("")
    return "\n".join(text)


def _rows(operations: str) -> dict[str, tuple[str, str]]:
    """By code what its row says: where `status` shows it, and what helps."""
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


def _told(sentence: str) -> str:
    """The sentence with its placeholders as words in capitals, as in the commands' help."""
    return re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda place: place[1].upper(), sentence)
