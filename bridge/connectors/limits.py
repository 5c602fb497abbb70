"""How large an answer may be: as large as the call can need. A larger answer is garbage; it is
dropped while it arrives."""

RECORD_BYTES = 2 * 1024 * 1024
SMALL_BYTES = 256 * 1024  # an identity, a token, keys
ROW_BYTES = 32 * 1024  # a row of a listing, on average over a page
LIST_BYTES = 24 * 1024 * 1024  # a list that the vendor does not split into pages
ERROR_BYTES = 64 * 1024  # a refusal; the rest of it is not read
VALUE_BYTES = 32  # the smallest average size of a value in an answer at its limit; `{}` times a million is below it


def page_bytes(rows: int) -> int:
    """The limit for a page of so many rows, one of which may be as large as any record."""
    return RECORD_BYTES + rows * ROW_BYTES


def values_in(most_bytes: int) -> int:
    """How many values an answer with this limit may hold. In memory, each value is far larger than in the answer."""
    return most_bytes // VALUE_BYTES
