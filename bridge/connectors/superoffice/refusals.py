"""What SuperOffice's error bodies say. Vendor page "REST web API" (errors): only the 404 is documented."""

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
    """The server understood and said no: its exceptions come as 400 or as 500 with their kind."""
    said = answer.loose_json()
    return answer.status == 400 or (answer.status == 500 and isinstance(said, dict) and bool(said.get("ErrorType")))


def is_missing(answer: Answer) -> bool:
    """The body counts too: which status the server's exceptions get is documented for one case only."""
    said = answer.loose_json() if answer.status >= 400 else None
    return answer.status in (404, 410) or (isinstance(said, dict) and said.get("ErrorType") == NOT_FOUND)
