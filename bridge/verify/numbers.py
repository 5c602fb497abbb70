"""What a walk keeps of records: numbers of 64 bits, nothing else."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby

HASHED = 1 << 63
"""An id that is no plain number is kept as a hash, which has this bit."""


class Numbers:
    """Many numbers of 64 bits, 8 bytes each: added in any order, then looked up."""

    def __init__(self) -> None:
        self._all = array("Q")
        self._sorted = True

    def add(self, number: int) -> None:
        self._all.append(number)
        self._sorted = False

    def __contains__(self, number: int) -> bool:
        found = self._in_order()
        at = bisect_left(found, number)
        return at < len(found) and found[at] == number

    def _in_order(self) -> "array[int]":
        if not self._sorted:
            self._all = array("Q", sorted(self._all))
            self._sorted = True
        return self._all


class Keys:
    """Match keys with the records that showed them, 16 bytes each."""

    def __init__(self) -> None:
        self._keys, self._records = array("Q"), array("Q")

    def add(self, key: str, record_id: str) -> None:
        """`key`: a hash in hexadecimal digits, of which the first 64 bits count."""
        self._keys.append(int(key[:16], 16))
        self._records.append(_number(record_id))

    def shared(self) -> Iterator[tuple[str, list[str | None]]]:
        """Keys that several records showed: how their hash begins, and the ids; None for one that is not a number.

        A listing may show a record on two of its pages: that is one record all the same.
        """
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        for key, places in groupby(order, self._keys.__getitem__):
            records = sorted({self._records[place] for place in places})
            if len(records) > 1:
                yield f"{key:016x}", [None if one & HASHED else str(one) for one in records]


def _number(record_id: str) -> int:
    if (
        record_id.isascii()
        and record_id.isdigit()
        and len(record_id) <= 18
        and (record_id == "0" or record_id[0] != "0")
    ):
        return int(record_id)
    return int.from_bytes(hashlib.blake2b(record_id.encode(), digest_size=8).digest()) | HASHED
