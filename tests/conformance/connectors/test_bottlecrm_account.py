"""Behaviour of BottleCRM only: two credentials, one of them rotating; hooks that are switched off; unique names."""

from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from bottlecrm_connector import BottleCrm
from connector_harness import SYSTEM, Bench, MemoryVault

from bridge.connectors.product import Construction
from bridge.connectors.protocols import Connector
from bridge.connectors.registry import CONNECTORS
from bridge.domain.callback import HookSecret
from bridge.domain.errors import BadCallback, DuplicateRefused, NeedsAuthorisation, Rejected
from bridge.domain.record import RecordRef
from bridge.domain.seams import Seams
from bridge.simulators.bottlecrm import BottleSimulator

SECRET = HookSecret("unused", "unused")
URL = f"https://bridge.example/hooks/{SYSTEM}/account"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    running = Bench(BottleCrm())
    await running.start()
    yield running
    await running.stop()


def simulator(bench: Bench) -> BottleSimulator:
    assert isinstance(bench.simulator, BottleSimulator)
    return bench.simulator


def connected(bench: Bench, vault: MemoryVault, **changed: Any) -> Connector:
    """Connect with a vault that outlives the connector, as the store does."""
    kind, seams = CONNECTORS["bottlecrm"], Seams(bench.clock, Random(1), lambda: "id", "copy-1")
    options = {**bench.product.options(bench.url, None), **changed}
    given = kind.options.model_validate({name: value for name, value in options.items() if value is not None})
    return kind.build(Construction(SYSTEM, given, bench.transport, seams, vault))


async def hooked(connector: Connector) -> Any:
    (spec,) = connector.hooks_for(frozenset({"account"}))
    return await connector.create_hook(spec, URL, SECRET, "bridge account")


async def test_each_refresh_token_is_used_once_and_the_next_one_is_kept(bench: Bench) -> None:
    vault = MemoryVault()
    await hooked(connected(bench, vault))
    bench.pass_seconds(7200)
    simulator(bench).expire_tokens()
    assert len(await connected(bench, vault).list_hooks() or ()) == 1  # another process, hours later
    assert vault.kept[f"{SYSTEM}/admin"]["refresh"] == simulator(bench).state.refresh


async def test_a_new_token_in_the_settings_replaces_the_stored_one(bench: Bench) -> None:
    vault = MemoryVault()
    await hooked(connected(bench, vault))
    simulator(bench).state.refresh = "minted-anew"
    bench.pass_seconds(7200)
    with pytest.raises(NeedsAuthorisation, match="admin_refresh_token"):
        await connected(bench, vault).list_hooks()
    assert await connected(bench, vault, admin_refresh_token="minted-anew").list_hooks()


async def test_records_are_read_while_the_login_for_hooks_is_refused(bench: Bench) -> None:
    simulator(bench).state.refresh = "another"
    connector = bench.connect()
    with pytest.raises(NeedsAuthorisation):
        await connector.list_hooks()
    await connector.probe()
    record_id = bench.person_creates("account")
    assert (await connector.read(RecordRef(SYSTEM, "account", record_id))).ref.id == record_id


async def test_without_a_login_for_hooks_there_are_none_and_the_manifest_says_so(bench: Bench) -> None:
    connector = connected(bench, MemoryVault(), admin_refresh_token=None)
    assert connector.manifest.polled
    assert connector.hooks_for(frozenset({"account"})) == []
    assert await connector.list_hooks() == []
    assert not bench.connect().manifest.polled


async def test_a_hook_that_was_switched_off_is_switched_on_again(bench: Bench) -> None:
    connector = connected(bench, MemoryVault())
    made = await hooked(connector)
    simulator(bench).switch_off_hook(made.id, "The endpoint answered 410 Gone, so it was turned off.")
    (seen,) = await connector.list_hooks() or ()
    assert (seen.active, "410" in seen.note) == (False, True)
    assert (await hooked(connector)).id == made.id
    (seen,) = await connector.list_hooks() or ()
    assert seen.active


async def test_a_lost_secret_is_replaced_and_deliveries_are_accepted_again(bench: Bench) -> None:
    made = await hooked(connected(bench, MemoryVault()))
    simulator(bench).state.refresh = "minted-anew"  # the store was lost, and the refresh token with it
    connector = connected(bench, MemoryVault(), admin_refresh_token="minted-anew")
    (seen,) = await connector.list_hooks() or ()
    assert not seen.active
    assert (await hooked(connector)).id == made.id
    bench.person_creates("account")
    await simulator(bench).idle()
    await connector.verify(bench.inbox.callbacks[-1], SECRET)


async def test_a_signature_of_another_time_is_refused(bench: Bench) -> None:
    connector = connected(bench, MemoryVault())
    await hooked(connector)
    bench.person_creates("account")
    await simulator(bench).idle()
    (callback,) = bench.inbox.callbacks
    late = replace(callback, received_at=bench.clock.now().replace(year=2027))
    with pytest.raises(BadCallback, match="clocks"):
        await connector.verify(late, SECRET)
    with pytest.raises(BadCallback):
        connector.check_head(replace(callback, headers={}), SECRET)


async def test_the_eleventh_hook_is_refused_in_words(bench: Bench) -> None:
    for number in range(10):
        simulator(bench).hooks.create({"url": f"https://x.example/{number}", "events": ["account.created"]})
    with pytest.raises(Rejected, match="at most 10 hooks"):
        await hooked(connected(bench, MemoryVault()))


async def test_a_name_that_exists_is_a_duplicate_in_any_case(bench: Bench) -> None:
    connector = bench.connect()
    await connector.create("account", {"name": "Acme"})
    with pytest.raises(DuplicateRefused) as caught:
        await connector.create("account", {"name": "ACME"})
    assert caught.value.field == "name"
    await connector.create("contact", {"first_name": "Ana", "last_name": "Lund", "email": "ana@x.example"})
    with pytest.raises(DuplicateRefused) as caught:
        await connector.create("contact", {"first_name": "A", "last_name": "L", "email": "ANA@x.example"})
    assert caught.value.field == "email"


@pytest.mark.parametrize("kind", ["contact", "lead", "account"])
async def test_a_record_deleted_while_a_listing_is_walked_hides_no_other(bench: Bench, kind: str) -> None:
    connector = bench.connect(page_size=10)
    made = {bench.person_creates(kind) for _ in range(25)}
    seen: set[str] = set()
    page: str | None = None
    gone = None
    while True:
        found = await connector.list(kind, since=None, page=page, where={})
        seen |= {row.ref.id for row in found.rows}
        if gone is None:
            gone = found.rows[0].ref.id
            bench.simulator.person_deletes(bench.product.kinds[kind], gone)
        page = found.next
        if page is None:
            break
    assert seen >= made


async def test_newest_names_each_record_once_over_several_pages(bench: Bench) -> None:
    connector = bench.connect(page_size=10)
    after = bench.clock.now()
    made = [bench.person_creates("contact") for _ in range(25)]
    found = [row.ref.id for row in await connector.newest("contact", after=after)]
    assert sorted(found) == sorted(made)
