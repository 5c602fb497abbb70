"""What the store refuses, beyond being unavailable (`domain.errors.StoreUnavailable`)."""

from bridge.domain.errors import BridgeError


class CursorMoved(BridgeError):
    """Another sweep moved the cursor first; nothing was written."""


class LinkTaken(BridgeError):
    """A record is already named by another intended, live or frozen link of the mapping; nothing was written."""


class BrakeReached(BridgeError):
    """One more delete, archive or blanked field would pass the mapping's limit; nothing was written."""

    def __init__(self, mapping: str, hits: int, limit: int) -> None:
        super().__init__(f"{mapping}: {hits} of {limit} allowed removals are used up in the window")
        self.mapping = mapping
        self.hits = hits
        self.limit = limit


class ToldMeanwhile(BridgeError):
    """A callback told of an edit that the decision does not know of; nothing was written. `at`: when it was stored."""

    def __init__(self, record: str, at: float) -> None:
        super().__init__(f"{record}: a callback told of an edit since it was read")
        self.at = at


class Unstorable(BridgeError):
    """A value the database cannot keep (a NUL character, half a surrogate pair): this row is refused for good."""
