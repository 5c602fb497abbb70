"""Names in an account's lists: pinned, renamed, duplicate."""

import logging
from collections.abc import Sequence

import pytest

from bridge.connectors.names import Names, PinnedHere, Pins, Unresolved, pair_of
from bridge.connectors.rows import Listings
from bridge.monitoring.skipped import SkippedRows


def restarted(cache: PinnedHere, skipped: SkippedRows | None = None) -> tuple[Names, Pins]:
    return Names("stages"), Pins("crm1", cache, Listings("crm1", skipped or SkippedRows()))


async def update(pins: Pins, names: Names, pairs: Sequence[tuple[int, str | None]]) -> None:
    await pins.update(names, [{"id": key, "name": name} for key, name in pairs], pair_of("id", "name"))


async def test_a_renamed_item_keeps_its_name_after_a_restart_and_warns_once_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = PinnedHere()
    for told in (0, 1, 2):
        names, pins = restarted(cache)
        await update(pins, names, [(7, " Offer ")] if told == 0 else [(7, "Bid")])
        await update(pins, names, [(7, "Offer" if told == 0 else "Bid")])
        assert (names.name("7"), names.key("Offer")) == ("Offer", "7")
        warned = [one.getMessage() for one in caplog.records if "is now called 'Bid'" in one.getMessage()]
        assert len(warned) == told
    assert names.key("Bid") == "7"
    assert warned[0].startswith("crm1: stages: 'Offer' is now called")


async def test_equal_names_are_left_out_and_refused(caplog: pytest.LogCaptureFixture) -> None:
    names, pins = restarted(PinnedHere())
    for _ in range(2):
        await update(pins, names, [(1, "A"), (2, "A"), (3, "B"), (4, None), (5, " ")])
    assert (names.names(), names.duplicates()) == (["B"], ["A"])
    for ask in (lambda: names.name(1), lambda: names.key("A")):
        with pytest.raises(Unresolved, match="exists twice"):
            ask()
    assert [one.levelno for one in caplog.records] == [logging.WARNING]


async def test_a_name_that_no_store_can_hold_is_shown_or_left_out_and_does_not_affect_other_names() -> None:
    names, pins = restarted(PinnedHere(), skipped := SkippedRows())
    rows = [{"id": 1, "name": "half \ud800"}, {"id": "\udfff", "name": "A"}, {"id": "9" * 300, "name": "B"}]
    await pins.update(names, [*rows, {"id": 2, "name": "C"}], pair_of("id", "name"))
    assert names.names() == ["half ?", "C"]
    assert skipped.now() == {("crm1", "stages"): 2}


async def test_an_old_name_given_to_another_item_is_ambiguous() -> None:
    names, pins = restarted(PinnedHere())
    await update(pins, names, [(1, "A")])
    await update(pins, names, [(1, "B"), (2, "A")])
    with pytest.raises(Unresolved, match="exists twice"):
        names.key("A")


async def test_a_deleted_item_keeps_its_name_for_reading_and_cannot_be_written() -> None:
    names, pins = restarted(PinnedHere())
    await update(pins, names, [(1, "A"), (2, "B")])
    await update(pins, names, [(2, "B")])
    assert (names.name(1), names.holds(1), names.name(9, "shown")) == ("A", False, "shown")
    with pytest.raises(Unresolved, match="does not exist"):
        names.key("A")
    with pytest.raises(Unresolved, match="does not exist"):
        names.name(9)


async def test_a_row_that_cannot_be_read_is_left_out_and_counted() -> None:
    skipped = SkippedRows()
    names, pins = restarted(PinnedHere(), skipped)
    rows = [{"id": 1, "name": "A"}, {"name": "no id"}, "garbage", None, {"id": 2, "name": {"en": "B"}}, {"id": 3}]
    await pins.update(names, rows, pair_of("id", "name"))
    assert (names.names(), dict(skipped.now())) == (["A"], {("crm1", "stages"): 4})
    await pins.update(names, [{"id": 1, "name": "A"}], pair_of("id", "name"))
    assert not skipped.now()
