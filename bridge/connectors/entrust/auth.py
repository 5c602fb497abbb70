"""The token of the Administration API. Vendor page "Authenticate an Admin API application".

A token lives about a quarter of an hour, and any number of tokens may be valid at the same time. So each instance keeps
its own in memory: there is no refresh token that could be lost.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from bridge.connectors.calls import Call
from bridge.connectors.entrust.options import EntrustOptions
from bridge.connectors.entrust.refusals import read_words
from bridge.connectors.entrust.values import read_instant
from bridge.connectors.http import with_headers
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.oauth import SignInDialect, sign_in_client
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.waits import LONGEST_LIFE_SECONDS

PATH = "/api/web/v1/adminapi/authenticate"
USED_LIFE = 0.8  # a token is renewed after this part of its life,
MARGIN_SECONDS = 60.0  # or this long before its end, whichever is earlier (but never before half of its life)
UNKNOWN_LIFE_SECONDS = 300.0
SIGN_IN = SignInDialect(
    read_words, "Entrust refused the application id or shared secret", frozenset({400, 401, 403, 404, 409})
)


class Token:
    """One caller fetches the token and the others wait for it. It is renewed before it
    expires, and when it is refused."""

    def __init__(self, construction: Construction) -> None:
        options: EntrustOptions = construction.options
        self._clock = construction.seams.clock
        self._prefix = options.token_prefix
        self._body = {
            "applicationId": options.application_id,
            "sharedSecret": options.shared_secret.get_secret_value(),
        }
        self._client = sign_in_client(construction, options.base_url, SIGN_IN)
        self._one = asyncio.Lock()
        self._header = ""
        self._renew_at = 0.0

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        if not self._fresh():
            async with self._one:
                if not self._fresh():
                    await self._fetch()
        return with_headers(request, {"authorization": self._header})

    async def renew(self, refused: HttpRequest) -> bool:
        async with self._one:
            if not self._fresh() or refused.headers.get("authorization") == self._header:
                await self._fetch()
        return True

    def _fresh(self) -> bool:
        return bool(self._header) and self._clock.monotonic() < self._renew_at

    async def _fetch(self) -> None:
        # It changes nothing, so it may be repeated. No web session is opened: without its cookie any server may answer.
        asked = self._clock.monotonic()
        call = Call("POST", PATH, json=self._body, reads=True, template=PATH, most_bytes=SMALL_BYTES)
        answer = await self._client.send(call)
        said = answer.json()
        if not isinstance(said, dict) or not isinstance(said.get("authToken"), str) or not said["authToken"]:
            raise answer.garbled("no token")
        life = _life(said)
        self._header = self._prefix + said["authToken"]
        self._renew_at = asked + min(USED_LIFE * life, max(life - MARGIN_SECONDS, life / 2))


def _life(said: Mapping[str, Any]) -> float:
    """The token's life in seconds, only from the vendor's two times, because the vendor's
    clock may differ from ours."""
    try:
        life = (read_instant(said["expirationTime"]) - read_instant(said["creationTime"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return UNKNOWN_LIFE_SECONDS
    return min(life, LONGEST_LIFE_SECONDS) if life > 0 else UNKNOWN_LIFE_SECONDS
