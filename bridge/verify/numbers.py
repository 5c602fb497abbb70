"""What a walk keeps in memory of records: only numbers of 64 bits."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby

HASHED = 1 << 63
"""An id that is not a plain number is kept as a hash with this bit set."""


class Numbers:
    """A set of 64-bit numbers, 8 bytes each: first they are added in any order, then looked up."""

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
    """Match keys and the records that showed them, 16 bytes for each."""

    def __init__(self) -> None:
        self._keys, self._records = array("Q"), array("Q")

    def add(self, key: str, record_id: str) -> None:
        """Add a record's key. `key`: a hash in hexadecimal digits, of which the first 64 bits are kept."""
        self._keys.append(int(key[:16], 16))
        self._records.append(_number(record_id))

    def shared(self) -> Iterator[tuple[str, list[str | None]]]:
        """Yield the keys that several records showed: the beginning of the hash, and the ids. None stands for an id
        that is not a number.

        A record that a listing shows on two pages counts once.
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
