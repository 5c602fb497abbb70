"""Names of an account's lists: pinned, renamed, doubled."""

import logging

import pytest

from bridge.connectors.names import UNKNOWN_AGAIN_SECONDS, Misses, Names, PinnedHere, Pins, Unresolved


def restarted(cache: PinnedHere) -> tuple[Names, Pins]:
    return Names("stages"), Pins("crm1", cache)


async def test_a_renamed_thing_keeps_its_name_over_a_restart_and_warns_each_time_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = PinnedHere()
    for told in (0, 1, 2):
        names, pins = restarted(cache)
        await pins.update(names, [(7, " Offer ")] if told == 0 else [(7, "Bid")])
        await pins.update(names, [(7, "Offer" if told == 0 else "Bid")])
        assert (names.name("7"), names.key("Offer")) == ("Offer", "7")
        warned = [one.getMessage() for one in caplog.records if "is now called 'Bid'" in one.getMessage()]
        assert len(warned) == told
    assert names.key("Bid") == "7"
    assert warned[0].startswith("crm1: stages: 'Offer' is now called")


async def test_equal_names_are_left_out_and_refused(caplog: pytest.LogCaptureFixture) -> None:
    names, pins = restarted(PinnedHere())
    for _ in range(2):
        await pins.update(names, [(1, "A"), (2, "A"), (3, "B"), (4, None), (5, " ")])
    assert (names.names(), names.doubled()) == (["B"], ["A"])
    for ask in (lambda: names.name(1), lambda: names.key("A")):
        with pytest.raises(Unresolved, match="exists twice"):
            ask()
    assert [one.levelno for one in caplog.records] == [logging.WARNING]


async def test_an_old_name_given_to_another_thing_is_ambiguous() -> None:
    names, pins = restarted(PinnedHere())
    await pins.update(names, [(1, "A")])
    await pins.update(names, [(1, "B"), (2, "A")])
    with pytest.raises(Unresolved, match="exists twice"):
        names.key("A")


async def test_a_deleted_thing_keeps_its_name_for_reading_and_cannot_be_written() -> None:
    names, pins = restarted(PinnedHere())
    await pins.update(names, [(1, "A"), (2, "B")])
    await pins.update(names, [(2, "B")])
    assert (names.name(1), names.holds(1), names.name(9, "shown")) == ("A", False, "shown")
    with pytest.raises(Unresolved, match="does not exist"):
        names.key("A")
    with pytest.raises(Unresolved, match="does not exist"):
        names.name(9)


def test_what_was_looked_for_in_vain_is_not_looked_for_again_soon() -> None:
    misses = Misses()
    misses.add(["a"], 100.0)
    assert misses.due(["a", "b"], 100.0 + UNKNOWN_AGAIN_SECONDS - 1) == ["b"]
    assert misses.due(["a", "b"], 100.0 + UNKNOWN_AGAIN_SECONDS) == ["a", "b"]
