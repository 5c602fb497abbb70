"""Which ids the store can keep: text that every database stores, in a length that fits every index."""

LONGEST_ID = 200
"""The most characters of a system's or entity's name, a record id or a vendor's event id. An index row fits three."""


def why_unstorable(text: str) -> str:
    """Return why the store cannot keep an id; "" if it can."""
    if len(text) > LONGEST_ID:
        return f"it has {len(text)} characters, and {LONGEST_ID} are kept"
    if storable(text) != text:
        return "it holds a NUL or half a character"
    return ""


def storable(text: str) -> str:
    """Return the text with all that some database cannot store replaced: NUL and half surrogate pairs."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
