"""One vendor is slow, hangs or drips its answers: pairs of systems without this vendor keep their pace."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.app.build import Bridge
from bridge.app.daemon import running
from bridge.app.seams import system_seams
from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.connectors.transport import AiohttpTransport
from bridge.monitoring.redaction import Redactor
from bridge.settings.load import load_settings
from bridge.simulators.faults import ResponseFault
from bridge.simulators.serve import serving
from bridge.simulators.world import real_world
from tests.pairs.site import MAPPINGS, Account, Setup, written
from tests.pairs.vendors import VENDORS, Card

ANSWER_SECONDS = 6.0  # instead of half a minute, so that the test does not take minutes
PACE_SECONDS = 4.0  # a record crosses within a fraction of a second; a busy machine takes longer
BACKLOG = 40
WORKERS = 8
COPIES = """\
mapping: copies
sides: {deskera: deskera crm_contact, superoffice: superoffice contact}
where: {deskera: {type: person}}
direction: deskera -> superoffice
match: [email]
creates: [superoffice]
fields:
  name:  {deskera: name, superoffice: name, required: true}
  email: {deskera: email, superoffice: emails.primary, type: email}
"""
DRIP = [ResponseFault("drip", seconds=1.0)]
DRIPPING_RECORDS = [ResponseFault("drip", path="/persons", seconds=1.0)]
SILENCE = [ResponseFault("hang", seconds=300.0)]
SLOW_ERRORS = [ResponseFault("latency", seconds=4.0), ResponseFault("status", status=503)]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """End calls earlier than usual."""
    send = AiohttpTransport.send

    async def hastily(self: AiohttpTransport, request: HttpRequest) -> HttpResponse:
        return await send(self, replace(request, timeout_seconds=min(request.timeout_seconds, ANSWER_SECONDS)))

    monkeypatch.setattr(AiohttpTransport, "send", hastily)


@asynccontextmanager
async def pairs(folder: Path, second: str, *names: str) -> AsyncIterator[tuple[Bridge, Mapping[str, Account]]]:
    """A bridge with the pair of Pipedrive and Deskera, and with a second mapping of these systems."""
    world = real_world(1)
    (folder / "second.yaml").write_text(second)
    setup = Setup([MAPPINGS / "deskera-pipedrive.yaml", folder / "second.yaml"], {name: name for name in names})
    async with AsyncExitStack() as stack:
        accounts = {name: Account(VENDORS[name], VENDORS[name].build(world)) for name in names}
        urls = {name: await stack.enter_async_context(serving(each.simulator.app)) for name, each in accounts.items()}
        file, secrets = written(folder, urls, setup)
        yield (
            await stack.enter_async_context(running(load_settings(file, secrets), system_seams(), Redactor())),
            accounts,
        )


async def seconds_until_there(account: Account, *cards: Card, patience: float = 60.0) -> float:
    began = time.monotonic()
    while not all(account.cards().count(card) == 1 for card in cards):
        assert time.monotonic() - began < patience, f"{cards} are not there but {account.cards()}"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def card(name: str, number: int = 0) -> Card:
    return f"{name} {number}", f"{name.lower()}{number}@x.example"


async def keeps_its_pace(source: Account, target: Account, name: str, rounds: int = 12) -> None:
    for number in range(rounds):
        source.create(card(name, number))
        took = await seconds_until_there(target, card(name, number))
        assert took < PACE_SECONDS, f"record {number} of {rounds} took {took:.1f} s"


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [DRIP, DRIPPING_RECORDS, SILENCE, SLOW_ERRORS],
    ids=["drips", "drips records", "never answers", "slow errors"],
)
async def test_a_slow_vendor_delays_no_other_pair_and_catches_up(fault: list[ResponseFault], tmp_path: Path) -> None:
    text = (MAPPINGS / "entrust-superoffice.yaml").read_text().replace("mapping: cards", "mapping: users")
    async with pairs(tmp_path, text, "deskera", "pipedrive", "entrust", "superoffice") as (_, at):
        at["deskera"].create(card("First"))
        at["superoffice"].create(card("Other"))
        await seconds_until_there(at["pipedrive"], card("First"))
        await seconds_until_there(at["entrust"], card("Other"))
        at["pipedrive"].simulator.faults.responses = list(fault)
        for number in range(BACKLOG):
            at["deskera"].create(card("Held", number))
        await asyncio.sleep(1.0)
        await keeps_its_pace(at["superoffice"], at["entrust"], "Ana")
        at["pipedrive"].simulator.faults.clear()
        held = [card("Held", number) for number in range(BACKLOG)]
        await seconds_until_there(at["pipedrive"], *held, patience=120.0)


@pytest.mark.slow
async def test_a_slow_vendor_delays_no_pair_that_shares_its_counterpart(tmp_path: Path) -> None:
    async with pairs(tmp_path, COPIES, "deskera", "pipedrive", "superoffice") as (_, at):
        at["deskera"].create(card("First"))
        await seconds_until_there(at["pipedrive"], card("First"))
        await seconds_until_there(at["superoffice"], card("First"))
        at["pipedrive"].simulator.faults.responses = list(DRIPPING_RECORDS)
        held = [card("Held", number) for number in range(2 * WORKERS)]
        for one in held:
            at["deskera"].create(one)
        await seconds_until_there(at["superoffice"], *held[-WORKERS:])  # the earlier ones wait for the slow vendor
        await asyncio.sleep(2.0)  # callbacks of the records just written
        await keeps_its_pace(at["deskera"], at["superoffice"], "Ana")
        at["pipedrive"].simulator.faults.clear()
        await seconds_until_there(at["pipedrive"], *held, patience=120.0)
