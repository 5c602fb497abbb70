"""When claims that were taken together start."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.sync.worker import SPREAD_SECONDS, Worker

WORKERS = 16


@pytest.mark.parametrize(
    ("running", "claims", "starts"),
    [
        (0, 0, []),
        (0, 1, [0]),
        (0, 2, [0, 0]),
        (0, 4, [0, 0, 2, 2]),
        (8, 4, [0, 0, 2, 2]),
        (12, 4, [0, 0, 0, 0]),
        (0, WORKERS, [0] * WORKERS),
    ],
)
def test_claims_start_one_after_the_other_unless_all_workers_are_busy(
    running: int, claims: int, starts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`starts`: in quarters of the time within which all start."""
    parts = SimpleNamespace(limits=SimpleNamespace(workers=WORKERS))
    worker = Worker(cast(Any, parts), cast(Any, None))
    worker.running = dict.fromkeys(cast(Any, range(running)), cast(Any, "pair"))
    found: list[float] = []
    monkeypatch.setattr(worker, "_start", lambda claim, after_seconds: found.append(after_seconds))
    worker._start_spread(cast(Any, range(claims)))
    assert found == [SPREAD_SECONDS / 4 * quarters for quarters in starts]
