"""Sessions: a login with user and password, valid for weeks. Facts: `trytond/protocols`, `trytond/res/user.py`.

The server's guard makes each failed login slower and then refuses the right password, too. So a refused login is not
repeated automatically; the next attempt comes after half an hour, or with a restart.
"""

import asyncio
from base64 import b64encode

from bridge.connectors.calls import Answer, Call, Pause
from bridge.connectors.http import with_headers
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.oauth import SignInDialect, sign_in_client
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.connectors.tryton.options import TrytonOptions
from bridge.connectors.tryton.refusals import read_words
from bridge.domain.errors import NeedsAuthorisation

LOGIN = "common.db.login"
REFUSED = "Tryton refused the user or password"
AGAIN_SECONDS = 1800.0
GUARD_SECONDS = 300.0


class LoginDialect(SignInDialect):
    def pause(self, answer: Answer) -> Pause | None:
        """The guard names no time. It refuses every login for five minutes."""
        if answer.status == 429:
            return Pause(GUARD_SECONDS, why="Tryton's login guard refuses all logins for five minutes")
        return super().pause(answer)


class Session:
    """One caller opens the session and the others wait for it. A session that the server refuses is opened again."""

    def __init__(self, construction: Construction) -> None:
        options: TrytonOptions = construction.options
        self._system, self._clock = construction.system, construction.seams.clock
        self._path = f"{options.database}/rpc/"
        self._user, self._password = options.user, options.password
        self._client = sign_in_client(
            construction, options.base_url, LoginDialect(read_words, REFUSED, frozenset({401, 403}))
        )
        self._one = asyncio.Lock()
        self._header = ""
        self._refused_at: float | None = None

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        if not self._header:
            async with self._one:
                if not self._header:
                    await self._open()
        return with_headers(request, {"authorization": self._header})

    async def renew(self, refused: HttpRequest) -> bool:
        async with self._one:
            if refused.headers.get("authorization") == self._header:
                self._header = ""
                await self._open()
        return True

    async def _open(self) -> None:
        now = self._clock.monotonic()
        if self._refused_at is not None and now < self._refused_at + AGAIN_SECONDS:
            left = (self._refused_at + AGAIN_SECONDS - now) / 60
            text = f"{REFUSED}; the next login is tried in {left:.0f} minutes, or after a restart"
            raise NeedsAuthorisation(self._system, text)
        params = [self._user, {"password": self._password.get_secret_value()}]
        call = Call(
            "POST",
            self._path,
            json={"id": 0, "method": LOGIN, "params": params},
            reads=True,
            tries=1,
            login=True,
            template=LOGIN,
            most_bytes=SMALL_BYTES,
        )
        try:
            answer = await self._client.send(call)
            said = answer.json()
            result = said.get("result") if isinstance(said, dict) else None
            if not isinstance(result, list) or len(result) < 2:
                if isinstance(said, dict) and said.get("error"):  # the server wants another factor
                    raise NeedsAuthorisation(self._system, f"{REFUSED}: {said['error']}"[:200])
                raise answer.garbled("no session")
        except NeedsAuthorisation:
            self._refused_at = now
            raise
        self._refused_at = None
        self._header = "Session " + b64encode(f"{self._user}:{result[0]}:{result[1]}".encode()).decode()
