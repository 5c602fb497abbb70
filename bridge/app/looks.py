"""Long commands (plan, verify, doctor) that pages and API start, each as its own process.

So neither callbacks nor records wait for them, the result is what the command prints, and their memory is freed when
they end. Results contain values of records, so only the last one of each kind is kept, in this instance's memory. A
process ends with the bridge that started it, however the bridge ends (domain/child).
"""

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bridge.domain.child import PERSON
from bridge.domain.seams import Seams

log = logging.getLogger(__name__)

LONGEST_SECONDS = 3600.0
MOST_BYTES = 16 * 2**20
KEPT = 50
AT_ONCE = 2
"""How many run at the same time; each is a process that reads both systems."""
LAST_LINES = 5
State = Literal["never", "under way", "done", "failed"]
"""The state of a command. `never`: it was not started yet."""


@dataclass(slots=True)
class Look:
    """One run of a command. `began_at`, `ended_at`: epoch seconds. `found`: what the command printed, as JSON."""

    about: str
    person: str
    began_at: float
    ended_at: float | None = None
    found: Any = None
    fault: str = ""

    @property
    def state(self) -> State:
        if self.ended_at is None:
            return "under way"
        return "failed" if self.fault else "done"


class Looks:
    """Runs one command of each kind at a time. `environ`: the environment of the processes; None: that of this process.
    `of_kind`: the last run of each kind."""

    def __init__(self, path: Path, seams: Seams, environ: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._seams = seams
        self.environ = environ
        self.of_kind: dict[str, Look] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def last(self, kind: str) -> Look | None:
        """Return the last run of this kind."""
        return self.of_kind.get(kind)

    def begin(self, kind: str, about: str, person: str, command: Sequence[str]) -> bool:
        """Start this command. Return False if one of its kind is running."""
        going = self.of_kind.get(kind)
        if going is not None and going.ended_at is None:
            return False
        look = Look(about, person, self._seams.clock.now().timestamp())
        ended = [one for one, last in self.of_kind.items() if last.ended_at is not None]
        for one in ended[: max(0, len(self.of_kind) + 1 - KEPT)]:
            del self.of_kind[one]
        self.of_kind[kind] = look
        task = asyncio.create_task(self._run(look, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def close(self) -> None:
        """End the running processes, so that a stopping bridge leaves none behind."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, look: Look, command: Sequence[str]) -> None:
        try:
            async with self._turn, asyncio.timeout(LONGEST_SECONDS):
                look.found, look.fault = await self._result(command, look.person)
        except TimeoutError:
            look.fault = f"it took longer than an hour; run `bridge {' '.join(command)}` in a terminal"
        except OSError as error:
            look.fault = f"no process can be started: {error.strerror}"
        except asyncio.CancelledError:
            look.fault = "the bridge stopped"
            raise
        except Exception as error:
            log.exception("background command failed", extra={"reason": command[0]})
            look.fault = f"it failed unexpectedly ({type(error).__name__}); the bridge's log has the reason"
        finally:
            look.ended_at = self._seams.clock.now().timestamp()

    async def _result(self, command: Sequence[str], person: str) -> tuple[Any, str]:
        """Return what the command printed and "", or None and the reason."""
        whole = (sys.executable, "-m", "bridge", "--settings", str(self._path), *command)
        environ = {**(os.environ if self.environ is None else self.environ), PERSON: person}
        process = await asyncio.create_subprocess_exec(
            *whole, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, env=environ
        )
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            told, said = await asyncio.gather(_all_of(process.stdout, MOST_BYTES), _all_of(process.stderr, MOST_BYTES))
            await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        try:
            return json.loads(told), ""
        except ValueError:
            lines = said.decode(errors="replace").strip().splitlines()[-LAST_LINES:]
            return None, "\n".join(lines) or f"it ended with code {process.returncode} and printed nothing"


async def _all_of(stream: asyncio.StreamReader, most: int) -> bytes:
    """Return all output of a process. If it is too long, return only the beginning, which is then not valid JSON."""
    kept = bytearray()
    while some := await stream.read(2**16):
        kept += some[: max(0, most - len(kept))]
    return bytes(kept)
