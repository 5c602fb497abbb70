"""One callback can be followed by its event's number through log lines, journal and metrics to the write."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.app.why import why_facts, why_lines
from bridge.monitoring.logs import setup_logging
from bridge.monitoring.redaction import Redactor
from tests.pairs.calls import NO_SWEEPS
from tests.pairs.scenario import hooks_are_registered
from tests.pairs.site import Site, pair_site

PAGE = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
EVERY = {"time", "level", "part", "message"}


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """The log as JSON at level debug."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    setup_logging("debug", "json", Redactor(), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def documented() -> dict[str, set[str]]:
    """Return for each message the keys of its lines, as docs/monitoring.md lists them."""
    rows = re.findall(r"^\| `([a-z ]+)`[^|]* \| (?:debug|info|warning)[^|]*\| ([^|]+) \|", PAGE, re.M)
    return {message: set(re.findall(r"`([a-z_]+)`", keys)) for message, keys in rows}


def lines_of(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def crossed(site: Site, out: io.StringIO) -> tuple[str, list[dict[str, Any]]]:
    """Create a record that the bridge copies; return its id and the log lines of its callback."""
    await hooks_are_registered(site)
    out.truncate(0)
    out.seek(0)
    record = site.source.create(("Ana Lund", "ana@x.example"))
    await site.until_there(("Ana Lund", "ana@x.example"))
    await site.until(lambda: '"outcome": "applied"' in out.getvalue(), "the write is told")
    lines = lines_of(out)
    event = next(one["event"] for one in lines if one["message"] == "callback accepted")
    return record, [one for one in lines if one.get("event") == event]


async def test_a_callback_is_followed_from_its_acknowledgement_to_the_write(tmp_path: Path, out: io.StringIO) -> None:
    async with pair_site(tmp_path, "pipedrive", "deskera", swap=NO_SWEEPS) as site:
        record, lines = await crossed(site, out)
        told = [one["message"] for one in lines]
        assert told[:2] == ["callback accepted", "claimed"]
        assert told[-1] == "synchronized"
        assert {"pipedrive", "deskera"} == {one["system"] for one in lines if one["message"] == "called"}
        assert "POST" in {one["method"] for one in lines if one["message"] == "called"}
        (end,) = [one for one in lines if one["message"] == "synchronized"]
        assert (end["outcome"], record in end["record"]) == ("applied", True)
        event = end["event"]
        store, scopes = site.bridge.store, site.bridge.plan.scopes
        (scope,) = scopes.values()
        side = next(one for one in (scope.left, scope.right) if one.system == "pipedrive")
        (facts,) = await why_facts(store, scopes, side.name, side.entity, record)
        assert event in {entry["event"] for entry in facts["journal"]}  # type: ignore[attr-defined]
        assert f"event {event}" in "\n".join(await why_lines(store, scopes, side.name, side.entity, record))
        figures = site.bridge.metrics.render().decode()
        assert re.search(rf'bridge_callback_to_write_seconds_count{{mapping="{scope.mapping}"}} [1-9]', figures)
        assert re.search(r'bridge_callback_duration_seconds_count{system="pipedrive"} [1-9]', figures)
        assert re.search(
            r'bridge_call_duration_seconds_count{answer="ok",method="POST",system="deskera"} [1-9]', figures
        )
    for one in lines_of(out):
        if one["message"] in documented():  # calls outside of claims belong to no event
            lacks = set() if "event" in one else {"event"}
            assert set(one) - EVERY - {"repeated"} == documented()[one["message"]] - lacks, one
    assert set(told) <= set(documented())
