"""Removes what must never be printed: known secret values, credentials in headers, tokens in callback addresses."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORT = 8  # shorter values are hidden only as whole words, or ordinary words would be hidden
LONG_LINE = 16  # from this length on, each line of a value with several lines, such as a key, is hidden separately
_NAMES = (
    r"authorization|x-api-token|x-access-token|x-auth-token|set-cookie|cookie|"
    r"access_token|refresh_token|api_token|id_token|client_secret|instance_secret|api_key|apikey|password|passwd|secret"
)
_SENSITIVE = re.compile(rf"(?i)(?:{_NAMES})")
_CALLBACK = re.compile(r"(/hooks/[^/\s]+/[^/\s]+/)[^/\s?\"'\\)>]+")
_PROSE = r"is|are|was|has|must|may|can|cannot|does|should|the|an?|it|this|no|not|neither|value|field|input|file"
"""Words that continue a sentence about a credential. `refresh_token: is missing` names one and contains none."""
_NAMED = re.compile(
    rf"(?i)((?:{_NAMES})\\?[\"']?\s*[:=]\s*\\?[\"']?(?:(?:basic|bearer|token)\s+)?)"
    rf"(?!(?:{_PROSE}) [a-z`])[^\s,;&\"'}})\\]+"
)
_SCHEME = re.compile(r"(\b(?i:basic|bearer)\s+)(?=[^\s\"'\\]*(?:[0-9=]|[a-z][A-Z]))[^\s,;\"'\\]{8,}")
_IN_URL = re.compile(r"(://[^:/?#\s@\"']*:)[^/?#\s\"']+(?=@)")


class Redactor:
    """Removes secrets from text: registered values, and what is in the usual places of credentials."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._lock = Lock()

    def register(self, value: str) -> None:
        """Hide this value from now on, also in the forms that it has in a URL or in JSON."""
        value = value.strip()
        if not value:
            return
        with self._lock:
            for text in (value, *(line.strip() for line in value.splitlines() if len(line.strip()) >= LONG_LINE)):
                escaped = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
                self._forms |= {text, quote(text, safe=""), quote(text), quote_plus(text)} | escaped
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._known = re.compile("|".join(_literal(form) for form in longest_first))

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern in _possible(text):
            text = pattern.sub(rf"\g<1>{HIDDEN}", text)
        return text

    def value(self, value: Any) -> Any:
        """Return a JSON-like value with all its texts redacted, and the values of keys that name secrets hidden."""
        if type(value) is str:  # most values are
            return self(value)
        if isinstance(value, Mapping):
            return {
                self(str(key)): HIDDEN if inner and is_sensitive(str(key)) else self.value(inner)
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self(str(value))


def _possible(text: str) -> Iterator[re.Pattern[str]]:
    """Yield the patterns that can match this text. Most values of a log line contain no sign that needs a pattern."""
    if "/hooks/" in text:
        yield _CALLBACK
    if ":" in text or "=" in text:
        yield _NAMED
    lowered = text.lower()
    if "basic" in lowered or "bearer" in lowered:
        yield _SCHEME
    if "://" in text:
        yield _IN_URL


@lru_cache(maxsize=1024)
def is_sensitive(name: str) -> bool:
    """Return whether the name alone shows that its value is a credential."""
    return _SENSITIVE.fullmatch(name) is not None


def _literal(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= SHORT else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"
