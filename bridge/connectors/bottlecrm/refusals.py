"""BottleCRM's refusals: `{"error": true, "errors": {field: [text]}}`, `{"detail": text}` or `{field: [text]}`."""

import re
from typing import Any

from bridge.connectors.calls import Answer, Words
from bridge.domain.errors import DuplicateRefused, NeedsAuthorisation, RemoteError

_LONGEST = 400
_TWICE = re.compile(r"already exists with this (\w+)")
_STRANGERS = ("Organization context is required", "token not valid")


def read_words(answer: Answer) -> Words:
    said = answer.loose_json()
    if not isinstance(said, dict):
        return Words("a web page" if answer.body else "no reason is given")
    errors = said.get("errors", said)
    if isinstance(errors, dict) and not isinstance(errors.get("detail"), str):
        fields = {name: text for name, value in errors.items() if name != "error" and (text := _text(value))}
        words = "; ".join(f"{name}: {text}" for name, text in fields.items())
        return Words(words[:_LONGEST] or "no reason is given", next(iter(fields), None))
    return Words(_text(errors.get("detail") if isinstance(errors, dict) else errors)[:_LONGEST] or "no reason is given")


def read_failure(answer: Answer, words: Words) -> RemoteError | None:
    """The error of a refusal that needs a person or is a duplicate. An unknown token is answered with 403, as if a
    choice of organisation were missing."""
    if answer.status == 403 and any(text in words.message for text in _STRANGERS):
        return NeedsAuthorisation(answer.system, "BottleCRM does not know the token, or the token was revoked")
    twice = _TWICE.search(words.message) if answer.status == 400 else None
    if twice is not None and answer.call.method == "POST":
        text = f"{answer.call.name} was refused: {words.message}"
        return DuplicateRefused(answer.system, text, field=twice[1], status=400)
    return None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_text(each) for each in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_text(each)}" for name, each in value.items())
    return str(value) if value not in (None, True, False) else ""
