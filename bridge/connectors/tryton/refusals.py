"""Tryton's refusals: mostly inside an answer of 200, in the language of the user and without a code.

Facts: `trytond/exceptions.py`, `trytond/protocols/dispatcher.py`.
"""

from typing import Any

from bridge.connectors.calls import Answer, Call, Words
from bridge.domain.errors import Rejected, RemoteError, RetryLater, WriteConflict

_LONGEST = 400


def read_words(answer: Answer) -> Words:
    """The reason in an answer other than 200, whose body is a web page or empty."""
    said = answer.loose_json()
    if isinstance(said, dict) and said.get("error"):
        return Words(_text(said["error"]))
    return Words("a web page" if answer.body else "no reason is given")


def refusal(system: str, call: Call, error: Any) -> RemoteError:
    """The error for `error` in an answer of 200. Each call is one transaction, so a refused call changed nothing."""
    kind = error[0] if isinstance(error, list) and error else None
    said = error[1] if isinstance(error, list) and len(error) > 1 else ""
    text = f"{call.template} was refused: {_text(said)}"
    if kind == "ConcurrencyException":
        return WriteConflict(system, f"{call.template}: the record was changed since it was read")
    if kind == "UserError":
        return Rejected(system, text)
    if kind == "UserWarning":
        why = f"{call.template} asks for a confirmation that a person must give: {_text(said)}"
        return Rejected(system, why)
    if kind == "LoginException":
        return Rejected(system, f"{call.template} asks for a new login: {_text(said)}")
    # An exception inside the server. The cause may be a locked database or a mistake in the server; the text does not
    # say which.
    return RetryLater(system, f"{call.template} failed inside the server: {_text(kind)}")


def _text(said: Any) -> str:
    """The message and its explanation. A warning starts with a name for programs, which is left out."""
    if isinstance(said, list):
        words = [each for each in said if isinstance(each, str) and each]
        said = ": ".join(words[1:] if len(words) > 2 else words)
    return " ".join(str(said or "no reason is given").split())[:_LONGEST]
