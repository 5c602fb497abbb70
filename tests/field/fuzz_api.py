"""Every operation of the admin API under schemathesis, on a bridge between two simulated products with data.

`make fuzz-api` runs it, once with a token that may operate and once with one that may only read. It fails on an answer
that the OpenAPI document does not describe, a server error, accepted wrong input, or an accepted missing token.
"""

import argparse
import asyncio
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge.admin import login
from tests.admin.office import ANNA, OLE, furnish, office

REFUSALS = """\
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429, "5xx"]
"""
"""Refusals besides those that schemathesis knows: 413, a body that is too large to be read."""
TOKENS = {"operate": ANNA, "read": OLE}


async def fuzzed(program: str, examples: int, seed: int, more: list[str]) -> bool:
    """Whether schemathesis found nothing. `examples`: how many it tries of each operation and kind."""
    well = True
    login.FAILURES = sys.maxsize  # schemathesis sends wrong tokens as well; the next calls would be answered 429
    with TemporaryDirectory() as folder, chdir(folder):
        Path("schemathesis.toml").write_text(REFUSALS)  # noqa: ASYNC240 - before anything runs
        async with office(Path()) as here:
            await furnish(here)
            for role, token in TOKENS.items():
                print(f"\n== {role} ==", flush=True)  # noqa: T201
                words = ["run", f"{here.url}/api/v1/openapi.json", "-H", f"Authorization: Bearer {token}"]
                words += ["--max-examples", str(examples), "--seed", str(seed), "--checks", "all", "--no-color"]
                words += ["--continue-on-failure", "--request-timeout", "20", *more]
                running = await asyncio.create_subprocess_exec(program, *words)
                well = await running.wait() == 0 and well
    return well


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the command schemathesis")
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    told, more = parser.parse_known_args()
    sys.exit(0 if asyncio.run(fuzzed(told.program, told.examples, told.seed, more)) else 1)


if __name__ == "__main__":
    main()
