"""Serves a simulator on loopback, for a demo or a test, or alone until interrupted."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from bridge.simulators import bottlecrm, deskera, entrust, pipedrive, superoffice, tryton
from bridge.simulators.keeping import keep
from bridge.simulators.world import World, real_world

HOST = "127.0.0.1"


class Served(Protocol):
    """What serving needs of a simulator. `state`: the dataclass that holds its whole account."""

    @property
    def app(self) -> web.Application: ...

    @property
    def state(self) -> Any: ...


@dataclass(frozen=True)
class Product:
    """A simulator by name. `port`: a separate one for each, so that all can run at the same time.

    `options_yaml`: what goes below `systems.NAME.options` to connect to it; `secrets`: the variables that it names.
    """

    build: Callable[[World], Served]
    port: int
    options_yaml: str
    secrets: Mapping[str, str]

    def options(self, url: str) -> str:
        """`options_yaml` for a simulator at this address."""
        return self.options_yaml.format(url=url)


PRODUCTS: Mapping[str, Product] = {
    "pipedrive": Product(
        pipedrive.PipedriveSimulator,
        8901,
        "base_url: {url}\napi_token: {{env: PIPEDRIVE_API_TOKEN}}",
        {"PIPEDRIVE_API_TOKEN": "sandbox-token"},
    ),
    "deskera": Product(
        deskera.DeskeraSimulator,
        8902,
        "base_url: {url}\nclient_id: cl_pub_sandbox\nclient_secret: {{env: DESKERA_CLIENT_SECRET}}\n"
        "refresh_token: {{env: DESKERA_REFRESH_TOKEN}}",
        {"DESKERA_CLIENT_SECRET": "cl_priv_sandbox", "DESKERA_REFRESH_TOKEN": "sandbox-refresh"},
    ),
    "superoffice": Product(
        superoffice.SuperOfficeSimulator,
        8903,
        "tenant: Cust00001\nlogin_url: {url}\nclient_id: sandbox-client\n"
        "client_secret: {{env: SUPEROFFICE_CLIENT_SECRET}}\nrefresh_token: {{env: SUPEROFFICE_REFRESH_TOKEN}}",
        {"SUPEROFFICE_CLIENT_SECRET": "sandbox-secret", "SUPEROFFICE_REFRESH_TOKEN": "sandbox-refresh"},
    ),
    "entrust": Product(
        entrust.EntrustSimulator,
        8904,
        "base_url: {url}\napplication_id: 3f6c1a52-7c1d-4a53-9a5e-5b0b7c9d1e2f\n"
        "shared_secret: {{env: ENTRUST_SHARED_SECRET}}",
        {"ENTRUST_SHARED_SECRET": "sandbox-shared-secret"},
    ),
    "tryton": Product(
        tryton.TrytonSimulator,
        8905,
        "base_url: {url}\ndatabase: sandbox\nuser: bridge\npassword: {{env: TRYTON_PASSWORD}}",
        {"TRYTON_PASSWORD": "sandbox-password"},
    ),
    "bottlecrm": Product(
        bottlecrm.BottleSimulator,
        8906,
        "base_url: {url}\naccess_token: {{env: BOTTLECRM_ACCESS_TOKEN}}\n"
        "admin_refresh_token: {{env: BOTTLECRM_ADMIN_REFRESH_TOKEN}}",
        {"BOTTLECRM_ACCESS_TOKEN": "bcrm_pat_sandbox", "BOTTLECRM_ADMIN_REFRESH_TOKEN": "sandbox-refresh"},
    ),
}


def simulator(name: str, seed: int, file: Path | None = None) -> web.Application:
    """A product's simulator, with the account in `file`. Raises NotKept."""
    world = real_world(seed)
    made = PRODUCTS[name].build(world)
    if file is not None:
        keep(made.app, name, made.state, world, file)
    return made.app


@asynccontextmanager
async def serving(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """The address of a simulator that runs while the block runs. Port 0 takes a free port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def serve_forever(name: str, port: int, seed: int, file: Path | None = None) -> None:
    """Run one simulator until interrupted. Raises OSError when the port is in use, and NotKept."""
    web.run_app(simulator(name, seed, file), host=HOST, port=port, print=None, access_log=None)
