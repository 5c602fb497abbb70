"""What calls cost of the company's daily tokens, and what answers say about the limits.

Vendor page "Rate limiting"; the costs are from the vendor's descriptions of API v1 and v2.
"""

from datetime import datetime, timedelta

from bridge.connectors.calls import Answer
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.quota import Learned, Quota
from bridge.domain.budget import Day
from bridge.domain.seams import epoch

SEARCH_TOKENS = 20
WINDOW_SECONDS = 2.0  # the rolling window of the limit of calls


def tokens(method: str, template: str) -> int:
    """The cost of a call, in tokens. `template`: its path, with `:id` for ids."""
    old = "/v1/" in template
    if "search" in template.lower():
        return SEARCH_TOKENS
    if method == "DELETE":
        return 6 if old else 3
    if method == "GET":
        return _tokens_of_read(template, old)
    if template.endswith("/bulk"):
        return 25
    return 10 if old else 5


def _tokens_of_read(template: str, old: bool) -> int:
    last = template.rpartition("/")[2]
    if last in (":id", "me"):
        return 2 if old else 1
    if last == "archived":
        return 40 if old else 20
    if last in ("pipelines", "stages"):
        return 5
    return 20 if old and last not in ("webhooks", "leadLabels") else 10


def quota(options: PipedriveOptions) -> Quota:
    """The daily tokens. The pace is unknown until an answer says how many calls fit into two seconds."""
    return Quota(options.calls_at_once, per_day=options.daily_tokens, unit="tokens", cost=tokens)


def until_midnight(now: datetime) -> float:
    """Seconds until midnight in UTC. The vendor does not say in which zone its midnight is."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


def read_limits(answer: Answer, now: datetime) -> Learned:
    """Read the headers of an answer: calls in two seconds (searches have a limit of their own), and the daily tokens.

    The headers for the daily tokens are not documented, and are missing at times.
    """
    path, calls = answer.call.template or answer.call.path, number(answer, "x-ratelimit-limit")
    search = "search" in path.lower()
    limit, left = (number(answer, f"x-daily-ratelimit-token-{name}") for name in ("limit", "remaining"))
    day = None
    if limit is not None and left is not None:
        day = Day(int(limit), int(left), epoch(now) + until_midnight(now))
    return Learned(None if calls is None or search else int(calls), WINDOW_SECONDS, day)


def number(answer: Answer, header: str) -> float | None:
    """A header's number; None when it is missing, negative or not finite."""
    try:
        value = float(answer.headers.get(header, ""))
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
