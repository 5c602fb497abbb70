"""Measures what one record costs the worker and its store: CPU and SQL statements, with products in memory.

`python -m tests.sync.measure [--records N] [--store URL] [--statements]`; the figures are in docs/performance.md.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from bridge.domain.seams import Seams
from bridge.store import open_store
from bridge.sync.situation import Limits
from tests.clock import FakeClock
from tests.sync.bench import Bench, make_bench

AT_ONCE = 16
SHOWN = 12

statements: Counter[str] = Counter()


def _counting(inner: Callable[..., None]) -> Callable[..., None]:
    def run(dialect: DefaultDialect, cursor: Any, statement: str, *rest: Any) -> None:
        statements[" ".join(statement.split())[:100]] += 1
        inner(dialect, cursor, statement, *rest)

    return run


for _method in ("do_execute", "do_executemany", "do_execute_no_params"):
    setattr(DefaultDialect, _method, _counting(getattr(DefaultDialect, _method)))


async def _turn(bench: Bench) -> int:
    claims = await bench.store.tasks.claim(AT_ONCE, bench.parts.scopes, 120.0, bench.systems.blocked)
    await asyncio.gather(*(bench.worker._work(claim) for claim in claims))
    return len(claims)


async def _until_idle(bench: Bench, *, echoes: bool = True) -> None:
    while True:
        if echoes:
            await bench.tell_all()
        if await _turn(bench):
            continue
        due = await bench.store.tasks.next_due(bench.parts.scopes, bench.systems.blocked)
        if due is None:
            return
        bench.clock.advance(max(0.1, due - bench.store.now()))


async def _measured(bench: Bench, what: str, number: int, *, echoes: bool = True, shown: bool = False) -> None:
    statements.clear()
    began = time.process_time()
    await _until_idle(bench, echoes=echoes)
    spent = (time.process_time() - began) / number * 1000
    print(f"{what:26}{spent:8.2f} ms CPU{sum(statements.values()) / number:8.1f} statements")  # noqa: T201
    for statement, times in statements.most_common(SHOWN) if shown else ():
        print(f"  {times / number:6.2f}  {statement}")  # noqa: T201


async def measure(number: int, url: str, *, shown: bool) -> None:
    clock, ids = FakeClock(), count(1)
    store = await open_store(url, Seams(clock, random.Random(1), lambda: f"id-{next(ids)}", "copy-1"))
    store.database.offset = 0.0
    limits = Limits(workers=AT_ONCE, deletion_limit=10**6, loop_writes=10**6)
    bench = make_bench(store, clock, store.database.seams, limits=limits)
    await bench.index()
    await bench.systems.start()
    for one in range(number):
        bench.crm.person_creates("person", name=f"P{one}", email=f"p{one}@x.example", phone=str(one))
    await _measured(bench, "create", number, shown=shown)
    clock.advance(100)
    for one in range(number):
        bench.crm.person_edits("person", str(one + 1), name=f"Q{one}")
    await _measured(bench, "update and its echo", number, shown=shown)
    clock.advance(100)
    for one in range(number):
        await bench.tell("crm", "person", str(one + 1))
    await _measured(bench, "callback without change", number, echoes=False, shown=shown)
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=160)
    parser.add_argument("--store", default="", help="postgresql://...; left out: a SQLite file that is removed again")
    parser.add_argument("--statements", action="store_true", help="the most frequent statements as well")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = chosen.store or f"sqlite:///{folder}/bridge.sqlite"
        asyncio.run(measure(chosen.records, url, shown=chosen.statements))


if __name__ == "__main__":
    main()
