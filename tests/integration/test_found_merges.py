"""A sweep finds a merge that no callback reported, and the leftover record is archived, over HTTP."""

from pathlib import Path
from typing import Any

from bridge.domain.record import Side
from bridge.simulators.faults import CallbackFault
from bridge.store.model import LinkState
from bridge.store.questions import LinksNaming
from tests.pairs.site import Setup, pair_site

MAPPING = """\
mapping: people
sides:     {superoffice: superoffice contact, entrust: entrust user}
direction: superoffice -> entrust
match:     [email]
deleted:   {superoffice: unlink}
merged:    {superoffice: archive}
fields:
  name:  {superoffice: name, entrust: last_name, required: true}
  email: {superoffice: emails.primary, entrust: user_id, type: email, required: true}
"""
QUIET = {"audit_seconds: 2": "audit_seconds: 3600", "full_sweep_seconds: 6": "full_sweep_seconds: 36000"}


async def test_after_a_merge_that_no_callback_reported_the_leftover_user_is_made_inactive(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(MAPPING)
    setup = Setup([file], {"superoffice": "superoffice", "entrust": "entrust"})
    async with pair_site(tmp_path, "superoffice", "entrust", setup, QUIET) as site:
        store = site.bridge.store
        first, second = (site.source.create((name, f"{name}@x.example")) for name in ("ana", "bea"))
        await site.until(lambda: len(site.target.cards()) == 2, "both users are there")
        await site.until(lambda: not site.bridge.worker.running, "the worker rests")

        simulator: Any = site.source.simulator
        simulator.faults.callbacks.append(CallbackFault("lose"))
        simulator.person_merges("contact", first, int(second))

        users: Any = site.target.simulator

        def states() -> list[str]:
            return sorted(row["state"] for row in users.dump()["records"]["users"])

        await site.until(lambda: states() == ["ACTIVE", "INACTIVE"], "the leftover user is inactive")
        await site.until(lambda: not site.bridge.worker.running, "the worker rests")
        rows = await store.questions.one(LinksNaming("people", Side.LEFT, first))
        assert [row.state for row in rows if row.left == first] == [LinkState.ALIAS]
        journal = [row.entry for row in await store.journal.about("people", Side.LEFT, first)]
        archived = next(entry for entry in journal if entry.what == "archived")
        assert "was merged into" in archived.text
        assert archived.detail["values"]["name"] == "ana"
