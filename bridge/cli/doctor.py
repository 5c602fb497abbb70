"""`bridge doctor`: checks every part, and says what to do."""

import asyncio
import json
import os
import sys
from pathlib import Path

import click

from bridge.app.bundle import write_bundle
from bridge.app.doctor import Examined, examine
from bridge.app.seams import system_seams
from bridge.cli.shown import json_option, say
from bridge.monitoring.health import Status

MARGIN = " " * len("warn    ")
"""The space before a finding's text, without the width of its part."""
LONGEST = 100
"""How many characters of a passing check are shown; `--json` shows all."""


@click.command(epilog="Example: bridge doctor --live --bundle report.tar.gz")
@click.option("--live", is_flag=True, help="Also call the accounts: clock, credentials, rights, hooks, fields.")
@json_option
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write a redacted archive for a bug report (.tar.gz).",
)
@click.pass_obj
def doctor(path: Path, live: bool, as_json: bool, bundle: Path | None) -> None:
    """Check every part of the bridge, and change nothing.

    Exit code 0: all is well; 1: there are warnings; 2: something fails.
    """
    found = asyncio.run(examine(path, os.environ, system_seams(), live=live))
    if as_json:
        names = ("part", "word", "text", "remedy")
        told = [{name: getattr(one, name) for name in names} for one in found.findings]
        click.echo(json.dumps(told, indent=2))
    else:
        for line in lines(found, live=live):
            say(line, hang=len(MARGIN) + _width(found))
    if bundle is not None:
        _write(bundle, path, found)
        click.echo(f"wrote {bundle}: read it before you send it", err=as_json)
    sys.exit({Status.PASS: 0, Status.WARN: 1, Status.FAIL: 2}[found.status])


def _write(bundle: Path, path: Path, found: Examined) -> None:
    try:
        asyncio.run(write_bundle(bundle, path, os.environ, found, system_seams()))
    except OSError as error:
        raise click.ClickException(f"{bundle} cannot be written: {error.strerror}; name another file") from error


def _width(found: Examined) -> int:
    return max(len(one.part) for one in found.findings)


def lines(found: Examined, *, live: bool) -> list[str]:
    """Return a line for each finding, with its remedy below."""
    width = _width(found)
    told: list[str] = []
    for one in found.findings:
        text = one.text if one.status is not Status.PASS or len(one.text) <= LONGEST else f"{one.text[:LONGEST]}..."
        told.append(f"{one.word:4}  {one.part.ljust(width)}  {text}")
        if one.remedy:
            told.append(f"{MARGIN}{'':{width}}-> {one.remedy}")
    number = {word: sum(1 for one in found.findings if one.word == word) for word in ("ok", "warn", "fail")}
    told.append(", ".join(f"{number[word]} {word}" for word in number))
    if not live:
        told.append("no vendor was called; `bridge doctor --live` calls them")
    return told
