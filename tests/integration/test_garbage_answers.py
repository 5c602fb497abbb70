"""One system answers with hundreds of megabytes of garbage; the records of the others keep crossing."""

import asyncio
import gzip
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web

from bridge.app.daemon import running
from bridge.app.seams import system_seams
from bridge.monitoring.redaction import Redactor
from bridge.settings.load import load_settings
from bridge.simulators.serve import serving
from bridge.simulators.world import real_world
from tests.pairs.site import MAPPINGS, Account, Setup, Site, written
from tests.pairs.vendors import VENDORS

MEGABYTE = 2**20
KINDS = ("objects", "json", "declared", "bomb", "deep", "rows")
"""The forms named `json` are valid JSON of 60 MB that takes twenty times as much memory."""
STATM = Path("/proc/self/statm")
SENT_MEGABYTES = 300
JUNK = """\
mapping: junk
sides: {junk: pipedrive deal, deskera: deskera crm_deal}
where: {junk: {status: won}}
direction: junk -> deskera
creates: [deskera]
match: none
fields:
  name: {junk: title, deskera: name, required: true}
"""


class GarbageServer:
    """A Pipedrive that answers who it is; when switched on, it answers deals and hooks with garbage of every form."""

    def __init__(self) -> None:
        self.garbage = False
        self.sent: Counter[str] = Counter()
        self.kinds = itertools.cycle(KINDS)
        zeros = gzip.compress(b"[" + b"0," * (SENT_MEGABYTES * MEGABYTE // 2), 1)
        rows = [{"id": number, "status": "open", "title": "x"} for number in range(1, 100_001)]
        self.whole = {
            "bomb": zeros,
            "deep": b"[" * (20 * MEGABYTE),
            "rows": json.dumps({"success": True, "data": rows}).encode(),
        }
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self.answer)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if path.endswith("users/me"):
            me = {"id": 1, "company_id": 7, "company_name": "Junk"}
            return web.json_response({"success": True, "data": me})
        if not self.garbage or not path.endswith(("deals", "webhooks", "archived")):
            return web.json_response({"success": True, "data": []})
        kind = next(self.kinds)
        self.sent[kind] += 1
        if kind in self.whole:
            headers = {"Content-Encoding": "gzip"} if kind == "bomb" else {}
            return web.Response(body=self.whole[kind], headers=headers, content_type="application/json")
        return await self._stream(request, kind)

    async def _stream(self, request: web.Request, kind: str) -> web.StreamResponse:
        response = web.StreamResponse()
        if kind == "declared":
            response.content_length = SENT_MEGABYTES * MEGABYTE
        await response.prepare(request)
        piece = b"{},{ }," * (MEGABYTE // 7)
        with suppress(ConnectionError):
            await response.write(b'{"success":true,"data":[')
            for _ in range(60 if kind == "json" else SENT_MEGABYTES):
                await response.write(piece)
            await response.write(b"{}]}")
        return response


class Watch:
    """Measures the greatest memory of this process, and the longest time in which the event loop did not run.

    In seconds of this process's CPU, so that other processes on a busy machine do not count.
    """

    def __init__(self) -> None:
        self.start = self.most = self.now()
        self.longest = 0.0

    @staticmethod
    def now() -> float:
        """Resident megabytes."""
        return int(STATM.read_text().split()[1]) * 4096 / MEGABYTE

    async def run(self) -> None:
        while True:
            began = time.process_time()
            await asyncio.sleep(0.01)
            self.longest = max(self.longest, time.process_time() - began)
            self.most = max(self.most, self.now())


@asynccontextmanager
async def three_systems(folder: Path, junk: GarbageServer) -> AsyncIterator[Site]:
    world = real_world(1)
    (folder / "junk.yaml").write_text(JUNK)
    setup = Setup(
        [MAPPINGS / "deskera-pipedrive.yaml", folder / "junk.yaml"],
        {"deskera": "deskera", "pipedrive": "pipedrive", "junk": "junk"},
    )
    async with AsyncExitStack() as stack:
        accounts = {name: Account(VENDORS[name], VENDORS[name].build(world)) for name in ("pipedrive", "deskera")}
        urls = {name: await stack.enter_async_context(serving(each.simulator.app)) for name, each in accounts.items()}
        url = await stack.enter_async_context(serving(junk.app))
        file, secrets = written(folder, urls, setup)
        third = f"systems: {{junk: {{connector: pipedrive, options: {{base_url: '{url}', api_token: {{env: JUNK}}}}}}, "
        file.write_text(file.read_text().replace("systems: {", third))
        settings = load_settings(file, {**secrets, "JUNK": "token"})
        bridge = await stack.enter_async_context(running(settings, system_seams(), Redactor()))
        yield Site(accounts["pipedrive"], accounts["deskera"], bridge)


@pytest.mark.slow
@pytest.mark.skipif(not STATM.exists(), reason="the memory of a process is read from /proc")
async def test_hundreds_of_megabytes_of_garbage_delay_no_other_system_and_fill_no_memory(tmp_path: Path) -> None:
    junk = GarbageServer()
    async with three_systems(tmp_path, junk) as site:
        site.source.create(("Ana 0", "ana0@x.example"))
        await site.until_there(("Ana 0", "ana0@x.example"))
        watch = Watch()
        watching = asyncio.create_task(watch.run())
        junk.garbage = True
        end = time.monotonic() + 60
        for number in itertools.count(1):
            card = (f"Ana {number}", f"ana{number}@x.example")
            site.source.create(card)
            await site.until_there(card)
            if len(junk.sent) == len(KINDS) and number >= 5:
                break
            assert time.monotonic() < end, f"only {junk.sent} was requested"
        watching.cancel()
    told = f"{dict(junk.sent)}: {watch.most - watch.start:.0f} MB more, held up for {watch.longest:.3f} s at most"
    assert watch.most - watch.start < 100, told
    assert watch.longest < 1.0, told
