"""Two credentials: a token for records, and an administrator's login for hooks. Facts: `common/views/auth_views.py`."""

from collections.abc import Mapping
from typing import Any

from bridge.connectors.bottlecrm.options import BottleOptions
from bridge.connectors.bottlecrm.refusals import read_words
from bridge.connectors.calls import Call
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.oauth import FixedHeader, KeptToken, SignInDialect, sign_in_client
from bridge.connectors.product import Construction
from bridge.domain.errors import NeedsAuthorisation
from bridge.domain.seams import epoch

REFRESH = "api/auth/refresh-token/"
LIFE_SECONDS = 3600.0  # life of an access token, which the answer does not name
USED_LIFE = 0.8


def token_of(options: BottleOptions) -> FixedHeader:
    return FixedHeader("authorization", f"Bearer {options.access_token.get_secret_value()}")


class AdminLogin(KeptToken):
    """Access tokens of an hour. Each refresh token is valid once, so the new one is stored
    before anything else is done."""

    def __init__(self, construction: Construction) -> None:
        super().__init__(construction, f"{construction.system}/admin")
        options: BottleOptions = construction.options
        assert options.admin_refresh_token is not None
        self._given = options.admin_refresh_token.get_secret_value()
        refusal = "BottleCRM rejected the administrator's refresh token: put a new one into admin_refresh_token"
        self._client = sign_in_client(construction, options.base_url, SignInDialect(read_words, refusal))

    def _shown(self, kept: Mapping[str, str]) -> str:
        return f"Bearer {kept.get('access', '')}"

    def _fresh(self, kept: Mapping[str, str]) -> bool:
        try:
            left = float(kept["renew_at"]) - epoch(self._clock.now())
            return bool(kept["access"]) and 0 < left <= LIFE_SECONDS
        except (KeyError, ValueError):
            return False

    async def _ask(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        ours = stored.get("refresh")
        # None is stored, or a person put a new one into the settings.
        if not ours or stored.get("given") != self._given:
            ours = self._given
        return await self._ask_with(ours)

    async def _ask_with(self, refresh: str) -> Mapping[str, str]:
        # It changes no record. It is not repeated: the server may have used the token up although its answer was lost.
        call = Call(
            "POST",
            REFRESH,
            json={"refresh": refresh},
            reads=True,
            tries=1,
            login=True,
            template=REFRESH,
            most_bytes=SMALL_BYTES,
        )
        said: Any = (await self._client.send(call)).json()
        if not isinstance(said, dict) or not said.get("access") or not said.get("refresh"):
            raise NeedsAuthorisation(self._system, "the renewed login of the administrator has no new refresh token")
        renew_at = str(epoch(self._clock.now()) + USED_LIFE * LIFE_SECONDS)
        return {
            "access": str(said["access"]),
            "refresh": str(said["refresh"]),
            "renew_at": renew_at,
            "given": self._given,
        }
