"""Serving a simulator on loopback: beside a demo or a test, or alone until interrupted."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from bridge.simulators import deskera, entrust, pipedrive, superoffice
from bridge.simulators.world import World, real_world

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Product:
    """A simulator by name. `options_yaml`: what goes below `systems.NAME.options` to connect to it."""

    build: Callable[[World], web.Application]
    options_yaml: str


PRODUCTS: Mapping[str, Product] = {
    "pipedrive": Product(
        lambda world: pipedrive.PipedriveSimulator(world).app,
        "base_url: {url}\napi_token: {{env: API_TOKEN}}   # API_TOKEN=sandbox-token",
    ),
    "deskera": Product(
        lambda world: deskera.DeskeraSimulator(world).app,
        "base_url: {url}\nclient_id: cl_pub_sandbox\nclient_secret: {{env: CLIENT_SECRET}}   # cl_priv_sandbox\n"
        "refresh_token: {{env: REFRESH_TOKEN}}   # sandbox-refresh",
    ),
    "entrust": Product(
        lambda world: entrust.EntrustSimulator(world).app,
        "base_url: {url}\napplication_id: 3f6c1a52-7c1d-4a53-9a5e-5b0b7c9d1e2f\n"
        "shared_secret: {{env: SHARED_SECRET}}   # sandbox-shared-secret",
    ),
    "superoffice": Product(
        lambda world: superoffice.SuperOfficeSimulator(world).app,
        "tenant: Cust00001\nlogin_url: {url}\nclient_id: sandbox-client\n"
        "client_secret: {{env: CLIENT_SECRET}}   # sandbox-secret\n"
        "refresh_token: {{env: REFRESH_TOKEN}}   # sandbox-refresh",
    ),
}


@asynccontextmanager
async def serving(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """The address of a simulator that runs while the block runs; port 0 takes a free one."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def serve_forever(name: str, port: int, seed: int) -> None:
    """Run one simulator until interrupted. Raises OSError when the port is taken."""
    app = PRODUCTS[name].build(real_world(seed))
    web.run_app(app, host=HOST, port=port, print=None, access_log=None)


def how_to(name: str, url: str) -> str:
    """What to write into a settings file to connect to this simulator."""
    return PRODUCTS[name].options_yaml.format(url=url)
