"""`bridge backup` beside a running bridge, `bridge restore-backup` after a loss, and a kill in the middle of each."""

import asyncio
import json
import os
import signal
import sqlite3
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.app.seams import system_seams
from bridge.store import open_store
from tests.acceptance.products import simulated
from tests.acceptance.site import BRIDGE, Site, audited_actions, until


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")


def test_after_a_loss_an_older_backup_and_one_start_bring_both_sides_in_sync(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        daemon = site.start()
        try:
            for name in ("Before", "Renamed here", "Renamed there", "Deleted"):
                pipedrive.create("organizations", name=name)
            there = {name: deskera.until("contacts", name=name)["id"] for name in ("Renamed there", "Deleted")}
            until(lambda: pairs(site) == 4, "all are linked")
            saved = site.run_command("backup", str(tmp_path / "backup.gz"))
            assert (saved.code, "4 links," in saved.out) == (0, True), saved.out + saved.err
            assert stat.S_IMODE((tmp_path / "backup.gz").stat().st_mode) == 0o600
            again = site.run_command("backup", str(tmp_path / "backup.gz"))
            assert (again.code, "a backup is never overwritten" in again.err) == (2, True)
            refused = site.run_command("restore-backup", "--replace", str(tmp_path / "backup.gz"))
            assert (refused.code, "another bridge is running on this store" in refused.err) == (2, True)
            pipedrive.create("organizations", name="Since")
            deskera.until("contacts", name="Since")
        finally:
            daemon.stop()
        pipedrive.edit("organizations", "2", name="Here, renamed")
        deskera.edit("contacts", there["Renamed there"], name="There, renamed")
        deskera.delete("contacts", there["Deleted"])
        for lost in tmp_path.glob("bridge.sqlite*"):
            lost.unlink()
        restored = site.run_command("restore-backup", str(tmp_path / "backup.gz"))
        assert restored.code == 0, restored.err
        assert "deals is paused" in restored.out
        assert "it is verified after the restore" in site.run_command("status").out
        action, answer = audited_actions(tmp_path)[-1]
        assert (action, answer.startswith("restored ")) == ("restore-backup", True)
        daemon = site.start()
        try:
            until(
                lambda: "linked to" in site.run_command("why", "crm", "organization", "5").out,
                "linked by its match key",
            )
            pipedrive.create("organizations", name="After")
            deskera.until("contacts", name="After")
            until(lambda: results(site)["organizations"] == "agrees", "verified by itself")
            names = [row["name"] for row in deskera.rows("contacts")]
            assert sorted(names) == ["After", "Before", "Here, renamed", "Since", "There, renamed"]
            assert "There, renamed" in [row["name"] for row in pipedrive.rows("organizations")]
            assert "bridge resume deals" in results(site)["deals"]
            assert site.run_command("resume", "deals").code == 0
            until(lambda: results(site)["deals"] == "agrees", "verified when it was resumed")
            told = [answer for _, answer in audited_actions(tmp_path, "the bridge")]
            assert "organizations: 5 pairs; both sides agree" in told
        finally:
            daemon.stop()


def pairs(site: Site) -> int:
    """Return how many pairs the store holds."""
    file = sqlite3.connect(site.folder / "bridge.sqlite")
    (number,) = file.execute("SELECT count(*) FROM links WHERE state = 'live'").fetchone()
    file.close()
    return int(number)


def results(site: Site) -> dict[str, str]:
    """Return what `bridge status` shows of the verification of each mapping."""
    return {row["mapping"]: row["result"] for row in json.loads(site.run_command("status", "--json").out)["verify"]}


def big(site: Site, rows: int = 30_000) -> None:
    """A store whose backup takes about a second."""

    async def make() -> None:
        await (await open_store(f"sqlite:///{site.folder / 'bridge.sqlite'}", system_seams())).close()

    asyncio.run(make())
    conn = sqlite3.connect(site.folder / "bridge.sqlite")
    entry = (
        "INSERT INTO journal (at, mapping, side, rec, what, text, detail) VALUES (0, 'people', 'left', ?, '-', ?, '{}')"
    )
    conn.executemany(entry, ((str(number), os.urandom(200).hex()) for number in range(rows)))
    conn.commit()
    conn.close()


def killed(site: Site, *arguments: str, when: Callable[[], bool]) -> None:
    """Start a command and end it with SIGKILL as soon as `when` is true, which is before its end."""
    process = subprocess.Popen([BRIDGE, "--settings", str(site.settings), *arguments], env=site.environment())
    end = time.monotonic() + 40
    while not when():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_kill_in_the_middle_leaves_no_half_backup_and_no_half_store(site: Site) -> None:
    big(site)
    file, partial = site.folder / "backup.gz", site.folder / "backup.gz.partial"
    killed(site, "backup", str(file), when=lambda: partial.exists() and partial.stat().st_size > 100_000)
    assert not file.exists()
    cut = site.run_command("restore-backup", "--check", str(partial))
    assert (cut.code, "cut short or damaged" in cut.err) == (2, True), cut.out + cut.err
    assert site.run_command("backup", str(file)).code == 0
    assert not partial.exists()
    whole = site.run_command("restore-backup", "--check", str(file))
    assert (whole.code, "30000 journal entries" in whole.out) == (0, True)

    other = site.folder / "other.sqlite"
    site.store_url = f"sqlite:///{other}"
    wal = other.with_name("other.sqlite-wal")
    killed(site, "restore-backup", str(file), when=lambda: wal.exists() and wal.stat().st_size > 1_000_000)
    assert "there is no store at" in site.run_command("status").err
    assert site.run_command("restore-backup", str(file)).code == 0
    assert sqlite3.connect(other).execute("SELECT count(*) FROM journal").fetchone() == (30_000,)


def test_a_backup_without_enough_space_says_so_and_leaves_no_file(site: Site) -> None:
    big(site)
    file = site.folder / "backup.gz"
    limited = ["prlimit", "--fsize=300000", BRIDGE, "--settings", str(site.settings), "backup", str(file)]
    done = subprocess.run(limited, env=site.environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, "cannot be written (file too large)" in done.stderr) == (2, True), done.stderr
    assert not file.exists()
