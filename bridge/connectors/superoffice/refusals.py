"""Reads SuperOffice's error bodies. Vendor page "REST web API" (errors): only the 404 is documented."""

from bridge.connectors.calls import Answer, Words

NOT_FOUND = "SoNotFoundException"
_LONGEST = 400


def read_words(answer: Answer) -> Words:
    said = answer.loose_json()
    if not isinstance(said, dict):
        return Words("an answer that is not JSON" if answer.body else "no reason is given")
    message = said.get("ErrorMessage") or said.get("error_description") or said.get("Message") or said.get("error")
    kind = said.get("ErrorType")
    text = " ".join(str(part) for part in (message, f"({kind})" if kind else "") if part)
    return Words(text[:_LONGEST] or "no reason is given")


def is_refusal(answer: Answer) -> bool:
    """Whether the server understood and refused. Its exceptions come as 400, or as 500 with their type."""
    said = answer.loose_json()
    return answer.status == 400 or (answer.status == 500 and isinstance(said, dict) and bool(said.get("ErrorType")))


def is_missing(answer: Answer) -> bool:
    """Whether the record does not exist. The body counts too: the status of the server's exceptions is
    documented for one case only."""
    said = answer.loose_json() if answer.status >= 400 else None
    return answer.status in (404, 410) or (isinstance(said, dict) and said.get("ErrorType") == NOT_FOUND)
