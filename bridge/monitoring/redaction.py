"""What must never be printed: known secret values, credentials in headers, tokens in callback addresses."""

import re
from threading import Lock

HIDDEN = "***"
SHORTEST = 6  # shorter values would hide ordinary words
_PATTERNS = (
    re.compile(r"(/hooks/[^/\s]+/[^/\s]+/)[^/\s?\"']+"),
    re.compile(
        r"(?i)((?:authorization|x-api-token|x-access-token|cookie)[\"']?\s*[:=]\s*[\"']?)(?:(?:basic|bearer)\s+)?[^\s,\"']+"
    ),
    re.compile(
        r"(?i)((?:access_token|refresh_token|api_token|client_secret|password)[\"']?\s*[:=]\s*[\"']?)[^\s&,\"'}]+"
    ),
    re.compile(r"(://[^:/\s@]+:)[^@/\s]+(?=@)"),
)


class Redactor:
    """Removes secrets from text. One per process: log lines of every part pass through it."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._lock = Lock()

    def register(self, value: str) -> None:
        """Hide this value wherever it appears from now on."""
        if len(value) >= SHORTEST:
            with self._lock:
                self._values.add(value)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\g<1>{HIDDEN}", text)
        return text
