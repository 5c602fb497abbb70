"""Which ids can be kept: what every database stores, in a length that fits every index."""

LONGEST_ID = 200
"""Characters of a system's or entity's name, a record id or a vendor's event id: three fit a row of every index."""


def why_unstorable(text: str) -> str:
    """What is wrong with an id; "" when it can be kept."""
    if len(text) > LONGEST_ID:
        return f"it has {len(text)} characters, and {LONGEST_ID} are kept"
    if storable(text) != text:
        return "it holds a NUL or half a character"
    return ""


def storable(text: str) -> str:
    """Text every database keeps: no NUL, no half surrogate pair."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
