"""Reads Deskera's error bodies: service errors, gateway errors, and errors inside a 2xx answer."""

from collections.abc import Mapping
from typing import Any

from bridge.connectors.calls import Answer, Words
from bridge.domain.errors import RateLimited, Rejected, RemoteError, RetryLater

QUOTA_PAUSE_SECONDS = 3600.0
_MESSAGES = ("errorMessage", "message", "error_description", "error")
_RULES = ("stock", "inventory", "quantity", "insufficient")
_LONGEST = 300


def words(answer: Answer) -> Words:
    """The first message in the body, with the fields that it names."""
    return _words(answer.loose_json())


def _words(body: Any) -> Words:
    if not isinstance(body, dict):
        return Words("no reason is given")
    message = next((value for key in _MESSAGES if isinstance(value := body.get(key), str) and value), "")
    fields = [(str(each.get("field") or ""), str(each.get("error") or "")) for each in _entries(body)]
    details = "; ".join(": ".join(part for part in pair if part) for pair in fields if any(pair))
    said = " - ".join(part for part in (message, details) if part) or "no reason is given"
    return Words(said[:_LONGEST], next((field for field, _ in fields if field), None))


def _entries(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    errors = body.get("errors")
    return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []


def used_up(system: str, answer: Answer, said: Words) -> RemoteError | None:
    """406 is Deskera's status for a used-up quota (Java SDK); newer pages also use it for missing stock.

    It is a refusal only if the answer names a field or the stock, because work that waits for a quota needs no person.
    """
    if answer.status != 406:
        return None
    text = f"{answer.call.name} was answered with 406: {said.message}"
    if said.field is not None or any(word in said.message.lower() for word in _RULES):
        return Rejected(system, text, field=said.field, status=406)
    return RateLimited(system, text, QUOTA_PAUSE_SECONDS)


def refuse_hidden(answer: Answer, body: Any) -> None:
    """Raises an error for an answer with `success: false` or a filled `errorMessage`, whatever its status."""
    if not isinstance(body, dict) or not (body.get("success") is False or body.get("errorMessage")):
        return
    said = _words(body)
    text = f"{answer.call.name}: {said.message}"
    if answer.call.is_read:
        raise RetryLater(answer.system, text)
    raise Rejected(answer.system, text, field=said.field, status=answer.status)
