"""Rows that cannot be read are left out and counted; any other error does not count as such a row."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from bridge.connectors.rows import PORTION, Listings, NotUnderstood, Row, one_record, read_all, row_id, understand
from bridge.domain.errors import RetryLater, Unreachable
from bridge.monitoring.skipped import SkippedRows

GARBAGE = [None, True, 7, "text", [], [{"id": 1}]]
WITHOUT_ID = [{}, {"id": None}, {"id": ""}, {"id": " "}, {"id": {}}, {"id": [1]}, {"id": True}]


async def test_rows_that_are_no_objects_or_lack_an_id_are_left_out_and_counted() -> None:
    found = await understand([{"id": 1}, *GARBAGE, {"id": "b"}, *WITHOUT_ID], row_id)
    assert (found.rows, found.skipped, found.why) == (["1", "b"], len(GARBAGE) + len(WITHOUT_ID), "it is no object")


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (lambda row: row["stage"]["id"], "it lacks 'stage'"),
        (lambda row: row["id"].strip(), "a value has a form the vendor does not document"),
        (lambda row: row["id"]["key"], "a value has a form the vendor does not document"),
        (lambda row: int(row["name"]), "a value has a form the vendor does not document"),
        (lambda row: 1 / row["zero"], "a value has a form the vendor does not document"),
    ],
)
async def test_a_value_that_breaks_a_reader_loses_only_its_own_row(read: Callable[[Row], Any], why: str) -> None:
    found = await understand([{"id": 1, "name": "x", "zero": 0}], read)
    assert (found.rows, found.skipped, found.why) == ([], 1, why)


async def test_a_system_that_does_not_answer_does_not_count_as_a_bad_row() -> None:
    async def read(number: int) -> int:
        raise Unreachable("crm", "no answer")

    with pytest.raises(Unreachable):
        await read_all([1, 2], read, 4)


async def test_records_that_are_read_one_by_one_are_counted_in_the_same_way() -> None:
    async def read(number: int) -> int:
        if number % 2:
            raise NotUnderstood("it is odd")
        return number

    found = await read_all(list(range(7)), read, 3)
    assert (found.rows, found.skipped, found.why) == ([0, 2, 4, 6], 3, "it is odd")


async def test_a_listing_warns_once_and_its_count_starts_again(caplog: pytest.LogCaptureFixture) -> None:
    skipped = SkippedRows()
    listings = Listings("crm", skipped)
    await listings.read("deal", [{}], row_id)
    await listings.read("deal", [{}, {}], row_id, begins=False)
    assert dict(skipped.now()) == {("crm", "deal"): 3}
    assert len([one for one in caplog.records if one.levelno == logging.WARNING]) == 1
    await listings.read("deal", [{"id": 1}], row_id)
    assert not skipped.now()


async def test_where_a_gap_would_mean_absence_a_bad_row_is_an_error() -> None:
    listings = Listings("crm", SkippedRows())
    with pytest.raises(RetryLater, match="newest deal holds a row that cannot be understood: it has no id"):
        listings.whole("newest deal", await understand([{"id": 1}, {}], row_id))
    assert listings.whole("newest deal", await understand([{"id": 1}], row_id)) == ["1"]


def test_one_record_that_cannot_be_read_is_read_again_later() -> None:
    with pytest.raises(RetryLater, match="GET deals/:id did not answer with the record asked for: it lacks 'id'"):  # noqa: SIM117
        with one_record("crm", "GET deals/:id"):
            raise KeyError("id")


async def test_a_long_listing_lets_other_tasks_run_meanwhile() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(other())
    await understand([{"id": number} for number in range(PORTION * 20)], row_id)
    running.cancel()
    assert turns >= 19
