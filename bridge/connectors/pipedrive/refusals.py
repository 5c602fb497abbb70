"""Pipedrive's refusals: error bodies, request limits, blocks.

Vendor pages "HTTP status codes", "Rate limiting", "OAuth status codes".
"""

import re
from datetime import timedelta
from typing import Any

from bridge.connectors.calls import Answer, Pause, Words
from bridge.connectors.http import retry_after
from bridge.connectors.pipedrive.budget import number, until_midnight
from bridge.domain.errors import NeedsAuthorisation, RateLimited, RemoteError
from bridge.domain.seams import Clock
from bridge.domain.waits import LONGEST_PAUSE_SECONDS

BURST_SECONDS = 2.0
LONGEST_RESET_SECONDS = 60.0
BLOCKED_SECONDS = 1800.0
DAILY_RECHECK_SECONDS = 3600.0  # the vendor does not say in which zone its midnight is
VALIDATION = re.compile(r"Validation failed: ([^\s:;]+):")


def read_words(answer: Answer) -> Words:
    """The message: the first of `error`, `message`, `errors`. The vendor uses several shapes, one of them HTML."""
    said = answer.loose_json()
    if not isinstance(said, dict):
        return Words("an answer that is not JSON" if answer.body else "no reason is given")
    for name in ("error", "message", "errors"):
        if said.get(name):
            words = _words(said[name])
            info, code = said.get("error_info"), said.get("code")
            extra = [str(part) for part in (info, code) if part and str(part) not in words.message]
            return Words(" ".join([words.message, *(f"({part})" for part in extra)]), words.field)
    return Words("no reason is given")


def _words(said: Any) -> Words:
    if isinstance(said, dict):
        texts = [
            f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}" for key, value in said.items()
        ]
        return Words("; ".join(texts), str(next(iter(said))))
    text = str(said)
    found = VALIDATION.search(text)
    return Words(text, found.group(1).removeprefix("custom_fields.") if found else None)


def is_block(answer: Answer) -> bool:
    """Whether this is the page with which the vendor blocks clients that ignored its limits: HTML, not JSON."""
    return answer.status == 403 and answer.loose_json() is None


def read_pause(answer: Answer, clock: Clock) -> Pause | None:
    if is_block(answer):
        return Pause(BLOCKED_SECONDS, why="the vendor blocks this bridge because it exceeded the request limits")
    reset = min(number(answer, "x-ratelimit-reset") or BURST_SECONDS, LONGEST_RESET_SECONDS)
    left = number(answer, "x-ratelimit-remaining")
    if answer.status != 429:
        return Pause(reset) if left == 0 else None
    if number(answer, "x-daily-ratelimit-token-remaining") == 0 or (left is not None and left > 0):
        wait = min(until_midnight(clock.now()) + BURST_SECONDS, DAILY_RECHECK_SECONDS)
        again = clock.now() + timedelta(seconds=wait)
        why = (
            "the company's daily request budget is used up; it is renewed at midnight of the vendor's servers,"
            f" next attempt at {again:%H:%M} UTC"
        )
        return Pause(wait, daily=True, why=why)
    asked = retry_after(answer.headers, clock.now())
    wait = min(max(reset if asked is None else asked, BURST_SECONDS), LONGEST_PAUSE_SECONDS)
    return Pause(wait, why=f"too many requests at once; the vendor accepts the next one in {wait:g} s")


def read_failure(answer: Answer, words: Words, clock: Clock) -> RemoteError | None:
    pause = read_pause(answer, clock) if answer.status == 429 else None
    if pause is not None:
        text = f"{answer.call.name}: {pause.why} ({words.message})"
        return RateLimited(answer.system, text, pause.seconds, daily=pause.daily)
    if is_block(answer):
        return RateLimited(answer.system, "blocked by the vendor (403 with a web page)", BLOCKED_SECONDS)
    if answer.status == 402:
        return NeedsAuthorisation(answer.system, f"the company account is not open: {words.message}")
    if answer.status == 403 and "scope" in words.message.lower():
        return NeedsAuthorisation(
            answer.system, f"the authorisation does not cover {answer.call.name}: {words.message}"
        )
    return None
