"""How large an answer may be: as large as the call can need. What is larger is garbage, and is dropped as it comes."""

RECORD_BYTES = 2 * 1024 * 1024
SMALL_BYTES = 256 * 1024  # who we are, a token, keys
ROW_BYTES = 32 * 1024  # of a listing, on average over a page
LIST_BYTES = 24 * 1024 * 1024  # a list the vendor does not give in pages
ERROR_BYTES = 64 * 1024  # of a refusal; the rest of it is not read
VALUE_BYTES = 32  # an answer at its limit holds one value in so many bytes, on average; `{}` times a million does not


def page_bytes(rows: int) -> int:
    """Of a page of so many rows, one of which may be as large as any record."""
    return RECORD_BYTES + rows * ROW_BYTES


def values_in(most_bytes: int) -> int:
    """How many values an answer of this limit may hold: in memory each is far larger than in the answer."""
    return most_bytes // VALUE_BYTES
