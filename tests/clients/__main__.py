"""`make test-clients`: each client against a fresh simulator; a table of its calls, and every wrong call."""

import argparse
import importlib
import pkgutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import tests.clients
from tests.acceptance.site import fetch, until
from tests.clients import Call, Client, Skipped
from tests.field.process import Running
from tests.field.tables import table
from tests.ports import free_port
from tests.real.install import CannotInstall
from tests.real.progress import say

SYSTEMS = ("pipedrive", "superoffice", "entrust")
DEFAULT = Path(__file__).parents[2] / "var" / "clients"
HEADS = ("client and version", "calls", "right", "expected 404 (not served)", "wrong")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("systems", nargs="*", metavar="system", help=f"of {', '.join(SYSTEMS)}; left out: all")
    parser.add_argument("--folder", type=Path, default=DEFAULT, help="where the packages are kept")
    parser.add_argument("--all", action="store_true", help="also list the calls that are right")
    options = parser.parse_args()
    unknown = sorted(set(options.systems) - set(SYSTEMS))
    if unknown:
        parser.error(f"no clients of {', '.join(unknown)}; there are some of {', '.join(SYSTEMS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that no simulator stays behind
    rows: list[Sequence[str]] = []
    failed: list[str] = []
    for system in options.systems or SYSTEMS:
        for name, client in clients(system):
            folder = options.folder.absolute() / name
            version = installed(client, folder)
            if isinstance(version, Skipped):
                rows.append((f"{client.NAME}: skipped", "", "", "", ""))
                say(f"skipped: {client.NAME}: {version}")
                continue
            began = time.monotonic()
            with simulator(system, folder) as address:
                calls = made(client, address)
            say(f"{client.NAME} {version}: {len(calls)} calls in {time.monotonic() - began:.0f} s")
            rows.append(row(f"{client.NAME} {version}", calls))
            shown = calls if options.all else wrong_of(calls)
            failed += (
                [f"{client.NAME}: {line_of(call)}" for call in wrong_of(calls)]
                if calls
                else [f"{client.NAME}: no call"]
            )
            for call in shown:
                say(f"  {call.outcome:<10} {line_of(call)}")
    say("\n" + table(HEADS, rows))
    say(f"\n{len(failed)} calls are wrong" if failed else "\nno call is wrong")
    return 1 if failed else 0


def clients(system: str) -> Iterator[tuple[str, Client]]:
    """Return the client modules of a system, by their names."""
    for found in pkgutil.iter_modules(tests.clients.__path__):
        if found.name == system or found.name.startswith(f"{system}_"):
            module = importlib.import_module(f"tests.clients.{found.name}")
            if hasattr(module, "NAME"):
                yield found.name, cast(Client, module)


def installed(client: Client, folder: Path) -> str | Skipped:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return client.install(folder)
    except (Skipped, CannotInstall) as why:
        return Skipped(str(why))


def made(client: Client, address: str) -> list[Call]:
    """Make the client's calls; if it cannot complete them, that is an error as well."""
    try:
        return client.run(address)
    except Exception as error:
        return [Call("all calls", "wrong", "that the client comes to its end", f"{type(error).__name__}: {error}")]


@contextmanager
def simulator(system: str, folder: Path) -> Iterator[str]:
    """Start `bridge simulate` as a separate process; give its address."""
    port = free_port()
    log = folder / "simulator.log"
    log.unlink(missing_ok=True)
    running = Running([sys.executable, "-m", "bridge", "simulate", system, "--port", str(port)], log)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: fetch(f"{address}/_control/state").status == 200, f"the simulator of {system} answers")
        yield address
        running.check()
    finally:
        running.stop()


def row(name: str, calls: Sequence[Call]) -> Sequence[str]:
    count = Counter(call.outcome for call in calls)
    return (name, str(len(calls)), *(str(count[outcome]) for outcome in ("right", "not served", "wrong")))


def wrong_of(calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if call.outcome == "wrong"]


def line_of(call: Call) -> str:
    return call.name if call.outcome != "wrong" else f"{call.name}: expected {call.expected}; got {call.got}"


if __name__ == "__main__":
    sys.exit(main())
