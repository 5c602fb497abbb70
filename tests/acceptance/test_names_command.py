"""Renamed things as the operator meets them."""

from pathlib import Path

from tests.acceptance.products import simulated
from tests.acceptance.site import Site, until


def test_names_are_listed_and_accepted(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (pipedrive, deskera):
        site = Site(tmp_path, pipedrive.url, deskera.url)
        daemon = site.start()
        try:
            company = pipedrive.create("organizations", name="Fjord")
            until(lambda: deskera.rows("contacts", name="Fjord"), f"organization {company} crosses")

            assert "nothing was renamed" in site.bridge("names", "list").out
            assert "nothing of pipedrive has a new name" in site.bridge("names", "accept", "pipedrive").out
            unknown = site.bridge("names", "accept", "nowhere")
            assert unknown.code == 1
            assert "known: deskera, pipedrive" in unknown.err
        finally:
            daemon.stop()
