"""`bridge sandbox FOLDER`: runs simulators and the bridge with the mapping files in the user's folder."""

import asyncio
import contextlib
import shutil
import signal
import socket
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import click

from bridge.app.build import Bridge, reload
from bridge.app.daemon import running
from bridge.app.folder import sides_of
from bridge.app.plan import checked_files
from bridge.app.seams import system_seams
from bridge.cli.demo import print_journal
from bridge.cli.demo_world import free_port
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.text_file import make_folder, write_text
from bridge.monitoring.logs import setup_logging
from bridge.monitoring.redaction import Redactor
from bridge.settings.load import load_settings
from bridge.settings.parts import mapping_files
from bridge.simulators.keeping import NotKept
from bridge.simulators.serve import HOST, PRODUCTS, serving, simulator
from bridge.store.engine import open_store

CALLBACKS, ADMIN = 8910, 8911
LOOK_SECONDS = 1.0
SETTINGS = """\
# `bridge sandbox` writes this file at every start: the simulators' addresses and their invented credentials.
instance: sandbox
instance_secret: {{file: instance-secret}}
public_url: http://{host}:{callbacks}
store: {{url: "sqlite:///bridge.sqlite"}}
mappings_dir: {mappings}
{functions}systems:
{systems}sides: {{{sides}}}
default_mode: live
callbacks: {{port: {callbacks}}}
admin: {{port: {admin}, this_machine: operate}}
schedule: {{audit_seconds: 10, sweep_seconds: 10, full_sweep_seconds: 120, jitter_seconds: 0}}
sync: {{write_seconds: 4}}
log: {{level: warning}}
"""
EXAMPLES: Mapping[str, tuple[str, str]] = {
    "pipedrive": ("organizations", '{"name": "Acme"}'),
    "deskera": ("contacts", '{"name": "Acme", "type": "organization"}'),
    "superoffice": ("contact", '{"Name": "Acme"}'),
    "entrust": ("users", '{"userId": "ana@acme.example", "firstName": "Ana", "lastName": "Lund"}'),
    "bottlecrm": ("accounts", '{"name": "Acme"}'),
    "tryton": ("party.party", '{"name": "Acme"}'),
}
"""A first record to create, by product."""


@dataclass(frozen=True, slots=True)
class Place:
    """One side: the name of its system, its product, and the port of its simulator."""

    side: str
    system: str
    product: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@click.command(epilog="Example: bridge sandbox mine")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--fresh", is_flag=True, help="Delete the simulators' accounts and the store from the last run first.")
@click.option("--verbose", is_flag=True, help="Also show the bridge's own log.")
def sandbox(folder: Path, fresh: bool, verbose: bool) -> None:
    """Run the mapping files of FOLDER between simulators of their products, on loopback, until Ctrl-C.

    It needs no account and no settings file. It keeps the simulators' accounts and the store in FOLDER/sandbox (in
    FOLDER/.sandbox if the mapping files are in FOLDER itself). When you save a mapping file, the bridge loads it
    within a second. Every command works with it from another terminal: `bridge --settings
    FOLDER/sandbox/bridge.yaml why crm person 1`.
    """
    mappings, functions = _files(folder)
    sides = sides_of(checked_files(mappings, functions))
    home = _home(folder, mappings)
    if fresh and home.is_dir():
        shutil.rmtree(home)
    make_folder(home)
    places = list(_places(sides))
    settings = _write_settings(home, mappings, functions, places)
    redactor = Redactor()
    setup_logging("info" if verbose else "warning", "text", redactor)
    try:
        asyncio.run(_run(home, settings, places, mappings, redactor))
    except NotKept as error:
        raise click.ClickException(f"{error}, or add --fresh") from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("\nstopped; `bridge sandbox` continues from here, --fresh starts empty")


def _home(folder: Path, mappings: Path) -> Path:
    """Return the folder for accounts and store. It is hidden if its settings would otherwise be read as a mapping
    file."""
    home = folder / "sandbox"
    return folder / ".sandbox" if home.resolve().is_relative_to(mappings.resolve()) else home


def _files(folder: Path) -> tuple[Path, Path | None]:
    """Return the folder of the mapping files, and the file of functions."""
    if (folder / "bridge.yaml").exists():
        return mapping_files(folder / "bridge.yaml", {})
    for found in (folder / "mappings", folder):
        if found.is_dir() and any(found.glob("*.yaml")):
            return found.resolve(), None
    remedy = "create some with `bridge init PAIR FOLDER`; `bridge init` lists the pairs"
    raise ConfigError([Problem(str(folder), "contains no mapping files", remedy)])


def _places(sides: Mapping[str, str]) -> Iterator[Place]:
    seen: set[str] = set()
    for side, product in sides.items():
        system = f"{product}-{side}" if product in seen else product
        yield Place(side, system, product, _port(0 if product in seen else PRODUCTS[product].port))
        seen.add(product)


def _port(wanted: int) -> int:
    """Return this port, or a free one if it is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return free_port()
        return int(probe.getsockname()[1])


def _write_settings(home: Path, mappings: Path, functions: Path | None, places: list[Place]) -> Path:
    """Write the settings file and the files that it names; return its path."""
    files = {"instance-secret": "only-for-the-sandbox-on-loopback", ".gitignore": "*"}
    systems = ""
    for place in places:
        product = PRODUCTS[place.product]
        options = product.options(place.url)
        for variable, value in product.secrets.items():
            options = options.replace(f"{{env: {variable}}}", f"{{file: {variable.lower()}}}")
            files[variable.lower()] = value
        systems += (
            f"  {place.system}:\n    connector: {place.product}\n    options:\n{textwrap.indent(options, '      ')}\n"
        )
    text = SETTINGS.format(
        host=HOST,
        callbacks=_port(CALLBACKS),
        admin=_port(ADMIN),
        mappings=mappings.resolve(),
        functions=f"functions_file: {functions.resolve()}\n" if functions else "",
        systems=systems,
        sides=", ".join(f"{place.side}: {place.system}" for place in places),
    )
    for name, content in files.items():
        write_text(home / name, content + "\n")
    write_text(home / "bridge.yaml", text)
    return home / "bridge.yaml"


async def _run(home: Path, file: Path, places: list[Place], mappings: Path, redactor: Redactor) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with AsyncExitStack() as stack:
        for number, place in enumerate(places, 1):
            app = simulator(place.product, number, home / f"{place.system}.account")
            await stack.enter_async_context(serving(app, place.port))
        settings = load_settings(file, {})
        await (
            await open_store(settings.store.url, system_seams())
        ).close()  # so that the log does not warn about a new store
        bridge = await stack.enter_async_context(running(settings, system_seams(), redactor))
        _greet(bridge, file, places)
        async with asyncio.TaskGroup() as together:
            together.create_task(print_journal(bridge.store, new=True))
            together.create_task(_watch(bridge, mappings))


def _greet(bridge: Bridge, file: Path, places: list[Place]) -> None:
    shown = [(f"{place.product} simulator", f"{place.url}   (side {place.side})") for place in places]
    shown += [("bridge pages", f"http://{HOST}:{bridge.settings.admin.port}/   (no token is needed here)")]
    shown += [("mappings", f"{', '.join(sorted(bridge.plan.scopes))}; all are live")]
    width = max(len(name) for name, _ in shown)
    for name, what in shown:
        click.echo(f"{name.ljust(width)}  {what}")
    if taken := _taken(places, bridge.settings.admin.port):
        numbers = ", ".join(map(str, taken))
        click.echo(f"in use already       {numbers}, by another sandbox or simulator: mind the addresses above")
    click.echo("\nCreate a record at either product, and watch it arrive at the other:\n")
    for place in places:
        entity, body = EXAMPLES[place.product]
        click.echo(f"  curl -X POST {place.url}/_control/records/{entity} -d '{body}'")
    click.echo(
        f"\nIn a second terminal:\n\n  export BRIDGE_SETTINGS={file.resolve()}\n  bridge status\n  bridge why acme\n"
    )
    click.echo("Edit a mapping file and save it: the bridge loads it within a second.")
    click.echo(
        "docs/simulators.md describes fields, options and faults of the simulators. Ctrl-C ends it; records are kept.\n"
    )


def _taken(places: list[Place], admin: int) -> list[int]:
    """Return the usual ports that others use, so that the ports of this sandbox differ from the documentation."""
    first = {place.product: place.port for place in reversed(places)}
    used = [*((PRODUCTS[product].port, port) for product, port in first.items()), (ADMIN, admin)]
    return sorted(usual for usual, port in used if usual != port)


async def _watch(bridge: Bridge, mappings: Path) -> None:
    """Reload the mapping files when one of them changes, and print their problems."""
    last = _stamps(mappings)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = _stamps(mappings)
        if now == last:
            continue
        last = now
        problems = await reload(bridge, {})
        for problem in problems:
            click.echo(f"  problem: {problem}")
        click.echo("the former mapping files stay in use" if problems else "the changed mapping files are in use")


def _stamps(folder: Path) -> dict[str, int]:
    found = {}
    for path in folder.rglob("*.yaml"):
        with contextlib.suppress(OSError):  # an editor replaces the file at this moment
            found[str(path)] = path.stat().st_mtime_ns
    return found
