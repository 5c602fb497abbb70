"""What calls cost of the company's tokens of the day, and a limit of our own.

Vendor page "Rate limiting"; the costs are from the vendor's descriptions of API v1 and v2.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.protocols import RateBudget
from bridge.connectors.quota import Quota
from bridge.domain.errors import RateLimited, StoreUnavailable
from bridge.domain.seams import Clock

SEARCH_TOKENS = 20


def tokens(method: str, template: str) -> int:
    """`template`: path of the call with `:id` for ids."""
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
    """Calls are not counted by the second but by what they take of the day's tokens."""
    return Quota(options.calls_at_once, per_day=options.daily_tokens, unit="tokens", cost=tokens)


def until_midnight(now: datetime) -> float:
    """Seconds. The vendor does not say in which zone its midnight is; this one is in UTC."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - now).total_seconds()


class Budget:
    """Tokens all copies spent today. `limit` None: only the vendor's own limit counts."""

    def __init__(self, system: str, limit: int | None, clock: Clock, shared: RateBudget | None = None) -> None:
        self._system, self._limit, self._clock, self._shared = system, limit, clock, shared
        self._day, self._spent = clock.now().date(), 0

    async def spend(self, cost: int) -> None:
        """Raises RateLimited when the call would exceed the limit of the day."""
        if self._limit is None:
            return
        now = self._clock.now()
        if now.date() != self._day:
            self._day, self._spent = now.date(), 0
        with suppress(StoreUnavailable):  # then this copy's own count has to do
            if self._shared is not None:
                self._spent = await self._shared.spend(self._system, now.date().isoformat(), cost, self._limit)
        if self._spent + cost > self._limit:
            message = f"this bridge has used {self._spent} of its {self._limit} tokens of the day, until 00:00 UTC"
            raise RateLimited(self._system, message, until_midnight(now), daily=True)
        self._spent += cost
