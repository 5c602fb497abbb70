"""The demo's world: two simulators on loopback, and a bridge between them with a settings file like a user's."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bridge.app.build import Bridge
from bridge.app.daemon import running
from bridge.app.seams import system_seams
from bridge.app.shipped import shipped_pairs
from bridge.domain.frozen import dataclass
from bridge.domain.record import Side
from bridge.monitoring.redaction import Redactor
from bridge.settings.load import load_settings
from bridge.simulators.deskera import DeskeraSimulator
from bridge.simulators.pipedrive import PipedriveSimulator
from bridge.simulators.serve import serving
from bridge.simulators.world import real_world
from bridge.store.model import LinkState

MAPPINGS = shipped_pairs()["pipedrive-deskera"]
PATIENCE_SECONDS = 120.0
"""How long a step may take. It needs three seconds on an idle machine, and up to a minute on a busy one."""
SECRETS = {
    "DEMO_INSTANCE_SECRET": "only-for-the-demo-on-loopback",
    "DEMO_PIPEDRIVE_TOKEN": "sandbox-token",
    "DEMO_DESKERA_SECRET": "cl_priv_sandbox",
    "DEMO_DESKERA_REFRESH": "sandbox-refresh",
}
SETTINGS = """\
instance: demo
instance_secret: {{env: DEMO_INSTANCE_SECRET}}
public_url: http://127.0.0.1:{callbacks}
store: {{url: "sqlite:///bridge.sqlite"}}
mappings_dir: {mappings}
systems:
  pipedrive:
    connector: pipedrive
    options: {{base_url: {pipedrive}, api_token: {{env: DEMO_PIPEDRIVE_TOKEN}}}}
  deskera:
    connector: deskera
    options:
      base_url: {deskera}
      client_id: cl_pub_sandbox
      client_secret: {{env: DEMO_DESKERA_SECRET}}
      refresh_token: {{env: DEMO_DESKERA_REFRESH}}
      requests_per_second: 50
sides: {{crm: pipedrive, erp: deskera}}
default_mode: live
callbacks: {{port: {callbacks}}}
admin: {{port: {admin}, this_machine: operate}}
schedule: {{audit_seconds: 5, sweep_seconds: 15, full_sweep_seconds: 60, jitter_seconds: 0}}
sync: {{write_seconds: 4}}
"""


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """Everything that the scenario uses. Its actions in the simulators are those of people in the products."""

    pipedrive: PipedriveSimulator
    deskera: DeskeraSimulator
    bridge: Bridge
    pipedrive_url: str
    deskera_url: str
    admin_url: str

    async def until(self, holds: Callable[[], bool]) -> bool:
        """Wait until something holds. Return False if it does not within PATIENCE_SECONDS."""
        clock = self.bridge.seams.clock
        end = clock.monotonic() + PATIENCE_SECONDS
        while not holds():
            if clock.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    async def until_linked(self, mapping: str, record_id: str) -> bool:
        """Wait until a Pipedrive record is linked to its counterpart. Return False after PATIENCE_SECONDS."""
        clock = self.bridge.seams.clock
        end = clock.monotonic() + PATIENCE_SECONDS
        while clock.monotonic() < end:
            link = await self.bridge.store.links.of(mapping, Side.LEFT, record_id)
            if link is not None and link.state is LinkState.LIVE:
                return True
            await asyncio.sleep(0.2)
        return False


@asynccontextmanager
async def demo_world(folder: Path) -> AsyncIterator[DemoWorld]:
    """Start the simulators and the bridge; leaving the block stops them in order."""
    world = real_world(1)
    pipedrive, deskera = PipedriveSimulator(world), DeskeraSimulator(world)
    async with AsyncExitStack() as stack:
        pipedrive_url = await stack.enter_async_context(serving(pipedrive.app))
        deskera_url = await stack.enter_async_context(serving(deskera.app))
        callbacks, admin = free_port(), free_port()
        file = folder / "bridge.yaml"
        file.write_text(
            SETTINGS.format(
                callbacks=callbacks, admin=admin, mappings=MAPPINGS, pipedrive=pipedrive_url, deskera=deskera_url
            )
        )
        bridge = await stack.enter_async_context(running(load_settings(file, SECRETS), system_seams(), Redactor()))
        yield DemoWorld(pipedrive, deskera, bridge, pipedrive_url, deskera_url, f"http://127.0.0.1:{admin}")


def free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
