"""Products that are simulated beside the test. People edit them through the simulators' control routes."""

import asyncio
import os
import subprocess
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

from bridge.simulators.serve import serving, simulator
from tests.acceptance.site import BRIDGE, fetch, until
from tests.ports import free_port

Fields = dict[str, Any]


@dataclass(frozen=True)
class Product:
    """One simulator at `url`."""

    url: str

    def create(self, entity: str, **fields: Any) -> str:
        answer = fetch(f"{self.url}/_control/records/{entity}", "POST", fields)
        assert answer.status == 201, answer
        return str(answer.json()["id"])

    def edit(self, entity: str, record: str, **fields: Any) -> None:
        answer = fetch(f"{self.url}/_control/records/{entity}/{record}", "PATCH", fields)
        assert answer.status == 200, answer

    def delete(self, entity: str, record: str) -> None:
        answer = fetch(f"{self.url}/_control/records/{entity}/{record}", "DELETE")
        assert answer.status in (200, 204), answer

    def state(self) -> Any:
        return fetch(f"{self.url}/_control/state").json()

    def rows(self, entity: str, **wanted: Any) -> list[Fields]:
        """Return the live records that show all wanted values."""
        rows = self.state()["records"][entity]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    def until(self, entity: str, **wanted: Any) -> Fields:
        """Wait until exactly one record shows these values."""
        until(lambda: self.rows(entity, **wanted), f"{entity} with {wanted}")
        found = self.rows(entity, **wanted)
        assert len(found) == 1, found
        return found[0]

    def drop_hook(self) -> str:
        """Delete one hook at the vendor, as a stranger would; return its id."""
        hook = self.hooks()[0]
        assert fetch(f"{self.url}/_control/faults", "POST", {"drop_hooks": [hook]}).status == 200
        return hook

    def hooks(self) -> list[str]:
        """Return the ids of the hooks that are registered now."""
        hooks = [hook for hook in self.state()["hooks"] if not hook.get("deleted")]
        return [str(hook.get("id") or hook["hookId"]) for hook in hooks]

    def until_hooked(self, number: int) -> None:
        """Wait until this number of hooks is registered."""
        until(lambda: len(self.hooks()) == number, f"{number} hooks are registered")


@contextmanager
def simulated(*names: str, as_processes: bool = False) -> Iterator[list[Product]]:
    """Run the simulators while the block runs: in threads, because a process takes half a second of CPU to start.

    as_processes: start them with `bridge simulate`, as a person does.
    """
    serve = _in_a_process if as_processes else _in_a_thread
    with ExitStack() as stack:
        products = [Product(stack.enter_context(serve(name))) for name in names]
        for name, product in zip(names, products, strict=True):
            until(lambda url=product.url: fetch(f"{url}/_control/state").status == 200, f"the {name} simulator answers")
        yield products


@contextmanager
def _in_a_thread(name: str) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    served = serving(simulator(name, seed=1))
    try:
        url = run(served.__aenter__())  # type: ignore[arg-type]
        try:
            yield url
        finally:
            run(served.__aexit__(None, None, None))  # type: ignore[arg-type]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def _in_a_process(name: str) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [BRIDGE, "simulate", name, "--port", str(port)], stdout=subprocess.DEVNULL, env=dict(os.environ)
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
