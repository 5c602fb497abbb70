"""How file descriptors are shared."""

import pytest

from bridge.app.listening import RESERVE, shares


@pytest.mark.parametrize(
    ("limit", "wanted", "callbacks"),
    [(1024, 512, 512), (1024, 5000, 824), (65_536, 5000, 5000), (512, 512, 312), (64, 512, 16), (256, 8, 8)],
)
def test_callbacks_get_all_descriptors_but_the_reserve(limit: int, wanted: int, callbacks: int) -> None:
    assert shares(wanted, limit).callbacks == callbacks


@pytest.mark.parametrize("limit", [64, 128, 256, 512, 1024, 4096, 1_000_000])
def test_all_shares_together_leave_descriptors_for_the_store_and_files(limit: int) -> None:
    found = shares(10_000, limit)
    taken = found.callbacks + found.admin + found.outgoing
    assert limit - taken >= 24
    assert limit < 2 * RESERVE or limit - taken >= 60
    assert min(found.callbacks, found.admin, found.outgoing) >= 2


def test_the_limit_of_this_process_is_read() -> None:
    assert shares(1).limit > 0
