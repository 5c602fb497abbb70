"""A running bridge whose disk is full, or whose file is deleted, locked or damaged: what people and vendors see."""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.products import Product, simulated
from tests.acceptance.site import Site, until
from tests.conformance.store.test_failing_stores import damage, fill

World = tuple[Site, Product, Product]
MOST_LINES = 12  # during an outage: one line a minute about the store, and the lines about the simulator's own failures


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A bridge on its own disk of 6 MB."""
    folder = tmp_path_factory.mktemp("faults")
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        with simulated("pipedrive", "deskera") as (pipedrive, deskera):
            site = Site(folder, pipedrive.url, deskera.url, store_url=f"sqlite:///{disk / 'bridge.sqlite'}")
            daemon = site.start()
            try:
                until(lambda: len(pipedrive.hooks()) == 3, "hooks are registered")
                yield site, pipedrive, deskera
                assert "Traceback" not in site.log.read_text()
            finally:
                daemon.kill()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def answers(site: Site, status: int) -> float:
    """Return how many callbacks were answered with this status."""
    found = re.findall(rf'^bridge_callbacks_total{{.*status="{status}".*}} ([0-9.]+)$', site.get("/metrics").text, re.M)
    return sum(map(float, found))


def said(site: Site) -> str:
    """Return what health reports about the store; "" while it is well."""
    part = site.get("/health").json()["checks"]["store"][0]
    return "" if part["status"] == "pass" else str(part["output"])


def refuses(world: World, name: str, words: str) -> None:
    """A new callback is answered 503 and none is accepted; health gives the reason; the log stays short."""
    site, pipedrive, _ = world
    until(lambda: words in said(site), f"health says {words}, not {said(site)}", 20)
    before, refusals, lines = answers(site, 200), answers(site, 503), site.log.read_text().count("\n")
    pipedrive.create("organizations", name=name)
    until(lambda: answers(site, 503) > refusals, "the callback is answered 503", 20)
    assert answers(site, 200) == before
    assert site.get("/health/ready").status == 503
    assert site.get("/health/live").status == 200
    assert site.log.read_text().count("\n") - lines <= MOST_LINES, site.log.read_text()[-3000:]


def recovers(world: World, name: str) -> None:
    """The store recovers: health is well, and the refused change crosses by the vendor's retry or the next sweep."""
    site, _, deskera = world
    until(lambda: said(site) == "" and site.get("/health/ready").status == 200, "the store is well", 20)
    deskera.until("contacts", name=name)


def test_a_new_store_is_reported(world: World) -> None:
    site = world[0]
    assert site.log.read_text().count("the store is new and empty: nothing from before is known") == 1
    (row,) = json.loads(site.run_command("status", "--json").out)["store"]
    assert (row["store"], row["note"]) == (site.store_url, "was empty then, and knows nothing from before")


def test_a_full_disk(world: World) -> None:
    site, pipedrive, _ = world
    filler = fill(site.folder / "disk")
    for number in range(40):  # SQLite first uses the free space in its files
        if said(site):
            break
        pipedrive.create("organizations", name=f"filling {number} {'x' * 3000}")
    refuses(world, "On a full disk", "the disk is full: free some space")
    filler.unlink()
    recovers(world, "On a full disk")


def test_a_deleted_file_that_is_put_back(world: World) -> None:
    file = world[0].folder / "disk" / "bridge.sqlite"
    kept = file.with_name("kept")
    os.rename(file, kept)
    refuses(world, "Beside the file", "was deleted while the bridge was running")
    os.rename(kept, file)
    recovers(world, "Beside the file")


def test_a_lock_of_another_program(world: World) -> None:
    other = sqlite3.connect(world[0].folder / "disk" / "bridge.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refuses(world, "Behind a lock", "another program has locked it")
    other.execute("ROLLBACK")
    other.close()
    recovers(world, "Behind a lock")


def test_a_damaged_page_ends_the_writing_until_the_store_is_restored(world: World) -> None:
    site, pipedrive, _ = world
    saved = site.run_command("backup", str(site.folder / "backup.gz"))
    assert saved.code == 0, saved.err
    damage(Path(site.store_url.removeprefix("sqlite:///")), "events")
    pipedrive.create("organizations", name="Finds the damage")
    refuses(world, "On a damaged page", "its file is damaged")
    assert "restore-backup FILE" in said(site)
