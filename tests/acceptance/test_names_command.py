"""Renamed fields and stages from the operator's view."""

import asyncio
from pathlib import Path

from bridge.app.seams import system_seams
from bridge.store import open_store
from tests.acceptance.products import simulated
from tests.acceptance.site import Site, until


async def rename(url: str) -> None:
    store = await open_store(url, system_seams())
    for name in ("Proposal", "Offer"):
        await store.names.pin("pipedrive", "deal stage 9", {"7": name})
    await store.close()


def test_renamed_things_are_listed_and_accepted(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        daemon = site.start()
        try:
            pipedrive.create("organizations", name="Fjord")
            until(lambda: deskera.rows("contacts", name="Fjord"), "an organization crosses")
            assert "nothing was renamed" in site.run_command("names", "list").out
            asyncio.run(rename(f"sqlite:///{tmp_path / 'bridge.sqlite'}"))

            listed = site.run_command("names", "list").out
            accepted = site.run_command("names", "accept", "pipedrive")
            unknown = site.run_command("names", "accept", "nowhere")

            assert ["pipedrive", "deal", "stage", "9", "Proposal", "Offer"] in [
                line.split() for line in listed.splitlines()
            ]
            assert (accepted.code, accepted.out.strip()) == (0, "deal stage 9: 'Proposal' is 'Offer' now")
            assert "nothing was renamed" in site.run_command("names", "list").out
            assert "nothing was renamed in pipedrive" in site.run_command("names", "accept", "pipedrive").out
            assert unknown.code == 1
            assert "known: deskera, pipedrive" in unknown.err
        finally:
            daemon.stop()
