"""Reads Entrust's error bodies (`ErrorInfo`). No list of its codes is public, so only the status decides."""

from bridge.connectors.calls import Answer, Words

_LONGEST = 400


def read_words(answer: Answer) -> Words:
    said = answer.loose_json()
    if not isinstance(said, dict):
        return Words("an answer that is not JSON" if answer.body else "no reason is given")
    message, code = said.get("errorMessage"), said.get("errorCode")
    text = " ".join(str(part) for part in (message, f"({code})" if code else "") if part)
    return Words(text[:_LONGEST] or "no reason is given")
