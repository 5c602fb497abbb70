"""The benchmark works: every figure is there and plausible. No time is asserted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.__main__ import Arguments, run
from tests.bench.child import ROOT
from tests.bench.counted import read_counts
from tests.bench.phases import PHASES, Result, Sizes
from tests.bench.report import FORWARDER, Bar, Measured, as_json, bars, table, verdicts

PATIENCE_SECONDS = 300.0  # four interpreters start, on a machine that may have other work
SIZES = Sizes(records=20, backlog=40, ack_seconds=1.0, idle_edits=3)
READ, WRITTEN = "pipedrive GET /api/v2/persons/{id}", "deskera PUT /v1/crm/contacts/{id}"
CREATED, SHOWN = "deskera POST /v1/crm/contacts", "deskera GET /v1/crm/contacts/{id}"


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS + 60)
async def test_every_phase_gives_every_figure_for_bridge_and_forwarder() -> None:
    found, _ = await run(Arguments(("sqlite",), SIZES, list(PHASES)))
    forwarder, bridge = found
    assert [forwarder.label, bridge.label] == [FORWARDER, "sqlite"]
    for one in found:
        assert list(one.results) == list(PHASES)
        assert one.peak_bytes > 10_000_000
        for result in one.results.values():
            _can_be_true(result)
    _made_its_calls(forwarder)
    _crossed(bridge)
    text = table(found) + verdicts(bars(found))
    assert all(phase in text for phase in PHASES)
    assert len(bars(found)[0][1]) == 9
    json.dumps(as_json(found, bars(found)))


def _can_be_true(result: Result) -> None:
    assert result.records > 0
    assert result.seconds > 0
    assert result.cpu_seconds > 0
    assert result.statements > 0
    assert result.transactions > 0
    assert result.calls
    assert result.refused == 0


def _made_its_calls(forwarder: Measured) -> None:
    """The lower bound is valid only while the forwarder makes exactly the documented calls."""
    edits = {name: result.records for name, result in forwarder.results.items()}
    assert edits == {"create": 20, "update": 20, "no-change": 20, "ack": 200, "backlog": 40, "idle": 3}
    assert forwarder.results["create"].calls == {READ: 20, CREATED: 20}
    for name in list(PHASES)[1:]:
        number = edits[name]
        assert forwarder.results[name].calls == {READ: number, SHOWN: 2 * number, WRITTEN: number}, name
        assert forwarder.results[name].statements == 2 * number, "one to accept it, one to note that it is done"


def _crossed(bridge: Measured) -> None:
    """The bridge is measured by its work: each record created once, each edit written, and nothing else."""
    assert bridge.results["create"].calls[CREATED] == 20
    assert bridge.results["update"].calls[WRITTEN] == 20
    for name in ("no-change", "ack"):
        assert WRITTEN not in bridge.results[name].calls
    assert bridge.results["backlog"].calls[WRITTEN] == 20, "two waiting edits of a record are one write"
    assert bridge.results["idle"].calls[WRITTEN] == 3
    assert len(bridge.results["ack"].latencies) == 200
    assert len(bridge.results["idle"].latencies) == 3


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE_SECONDS + 60)
@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_benchmark_that_is_stopped_or_killed_ends_its_processes(
    tmp_path: Path, ending: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-m", "tests.bench", "--records", "5000", "--only", "create"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=log, stdout=log)
        try:
            _until(lambda: "create: forwarder" in (tmp_path / "log").read_text() or process.poll() is not None)
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert _working_below(tmp_path)
            process.send_signal(ending)
            assert process.wait(PATIENCE_SECONDS) == code
        finally:
            process.kill()
            process.wait()
    _until(lambda: not _working_below(tmp_path))
    assert ending is signal.SIGKILL or not list(tmp_path.glob("bench-*"))


def _until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def _working_below(folder: Path) -> list[str]:
    """Return the command lines of processes that were started with this folder for temporary files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_minimum_and_maximum_ratios_are_distinguished() -> None:
    slow = Bar("updates/s", 0.1, 0.12, 0.3, least=True)
    dear = Bar("CPU", 9.0, 8, 4)
    assert not slow.met
    assert not dear.met
    assert Bar("updates/s", 0.12, 0.12, least=True).met
    assert Bar("CPU", 8.0, 8).met
    assert Bar("CPU", 3.9, 8, 4).reached
    assert not Bar("CPU", 4.1, 8, 4).reached


def test_a_full_store_is_compared_with_the_empty_one_only() -> None:
    empty, full = Measured("sqlite"), Measured("full", compared="sqlite", most_ratio=1.3)
    empty.results["update"] = Result(10, 1.0, 0.1, 100, 20, {"GET /x": 40})
    full.results["update"] = Result(10, 1.0, 0.2, 100, 20, {"GET /x": 40})
    empty.peak_bytes = full.peak_bytes = 100_000_000
    assert [(bar.what, bar.met) for _, some in bars([empty, full])[1:] for bar in some] == [
        ("CPU of update : sqlite", False),
        ("peak RSS : sqlite", True),
    ]


COUNTING = """
import sys
from pathlib import Path
from sqlalchemy import create_engine, text
from tests.bench.counted import count_into

count_into(Path(sys.argv[1]))
with create_engine("sqlite://").begin() as conn:
    conn.exec_driver_sql("BEGIN")
    conn.execute(text("CREATE TABLE t (a)"))
    conn.execute(text("INSERT INTO t VALUES (:a)"), [{"a": 1}, {"a": 2}])
"""


def test_statements_and_transactions_are_counted_and_begin_and_single_rows_are_not(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", COUNTING, str(tmp_path / "counts")], cwd=ROOT, check=True)
    assert read_counts(tmp_path / "counts") == (2, 1)
