"""A plan in a file: JSON Lines. The first line is the header."""

import json
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.text_file import reason_of
from bridge.planning.report import Report
from bridge.planning.rows import REMEMBERED, WRITES, Json, Row, row_from

FORMAT = 2  # in format 1 the id of a record was called `rec`
AGAIN = "make a new plan with `bridge plan --save FILE`"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. `instance`: from the settings that the plan was made with. `versions`: of each mapping's file."""

    instance: str
    made_at: str
    versions: Json


def save(path: Path, report: Report, instance: str) -> int:
    """Write a plan to a file that only its owner can read; return the number of rows. Raises ConfigError."""
    head = report.head_json()
    first = {
        "bridge plan": FORMAT,
        "instance": instance,
        "made_at": head["made_at"],
        "versions": {one.name: one.version for one in report.heads},
        "totals": head["totals"],
    }
    number = 0
    half = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(first, ensure_ascii=False) + "\n")
            for row in report.spool.rows():
                file.write(json.dumps(row.as_json(), ensure_ascii=False) + "\n")
                number += 1
        half.replace(path)
    except OSError as error:
        reason = reason_of(error).replace("read", "written")
        raise ConfigError([Problem(str(path), reason, "name another file, or correct the rights")]) from None
    return number


def header(path: Path) -> Header:
    """Return the header of a plan. Raises ConfigError if the file is not a plan of the bridge."""
    try:
        with path.open(encoding="utf-8") as file:
            found = json.loads(file.readline())
        form = found["bridge plan"]
        head = Header(str(found["instance"]), str(found["made_at"]), dict(found["versions"]))
    except OSError as error:
        raise ConfigError([Problem(str(path), reason_of(error), "name a file that this user may read")]) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError([Problem(str(path), "is not a plan of the bridge", AGAIN)]) from None
    if form != FORMAT:
        raise ConfigError([Problem(str(path), f"is a plan of format {form}; this version reads {FORMAT}", AGAIN)])
    return head


def steps(path: Path) -> Iterator[list[Row]]:
    """Yield the rows of each step to carry out, in order. Rows that do nothing are left out. Raises ConfigError."""
    with path.open(encoding="utf-8") as file:
        rows = (_row(path, number, line) for number, line in enumerate(file, 1) if number > 1)
        acting = (row for row in rows if row.kind in WRITES | REMEMBERED)
        for _, some in groupby(acting, key=lambda row: row.step):
            yield list(some)


def _row(path: Path, number: int, line: str) -> Row:
    try:
        found: Any = json.loads(line)
        return row_from(found)
    except (ValueError, KeyError, TypeError):
        raise ConfigError([Problem(f"{path}:{number}", "is not a row of a plan", AGAIN)]) from None
