"""What a walk keeps in memory about records, and how little that is."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from bridge.verify.numbers import Keys, Numbers

MANY = 5_000


@given(st.lists(st.integers(0, 2**64 - 1)), st.integers(0, 2**64 - 1))
def test_added_numbers_are_found_and_no_others(added: list[int], other: int) -> None:
    numbers = Numbers()
    for one in added:
        numbers.add(one)
    assert all(one in numbers for one in added)
    assert (other in numbers) == (other in added)


IDS = st.sampled_from(["1", "2", "007", "9" * 30, "a-b", "é", "0"])


@given(st.lists(st.tuples(st.sampled_from("abc"), IDS)))
def test_a_key_is_shared_when_two_records_show_it_however_often_one_is_listed(shown: list[tuple[str, str]]) -> None:
    keys = Keys()
    for letter, record_id in shown:
        keys.add(letter * 32, record_id)
    by_key = {letter: {record_id for one, record_id in shown if one == letter} for letter in "abc"}
    found = {beginning[0]: record_ids for beginning, record_ids in keys.shared()}
    assert set(found) == {letter for letter, record_ids in by_key.items() if len(record_ids) > 1}
    for letter, record_ids in found.items():
        plain = {record_id for record_id in by_key[letter] if record_id in ("1", "2", "0")}
        assert {record_id for record_id in record_ids if record_id is not None} == plain
        assert len(record_ids) == len(by_key[letter])


def test_a_pair_takes_less_than_ten_bytes_and_a_match_key_less_than_twenty() -> None:
    tracemalloc.start()
    try:
        numbers, keys = Numbers(), Keys()
        before = tracemalloc.get_traced_memory()[0]
        for one in range(MANY):
            numbers.add(one)
        pairs = tracemalloc.get_traced_memory()[0] - before
        for one in range(MANY):
            keys.add(f"{one:032x}", str(one))
        both = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert pairs / MANY < 10
    assert (both - pairs) / MANY < 20
