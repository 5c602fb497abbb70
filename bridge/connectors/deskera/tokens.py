"""One pair of Deskera tokens. Reads the token answers of both OAuth generations, and the claims of an access token.

Sources: Deskera's developer documentation, pages "OAuth V2" and "Authenticate".
"""

import hashlib
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any

import jwt

from bridge.domain.frozen import dataclass
from bridge.domain.waits import LONGEST_LIFE_SECONDS

EARLY_SECONDS = 300.0
BLIND_SECONDS = 50 * 60.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """`obtained_at`: epoch seconds. `seed`: fingerprint of the tokens in the settings from which these descend."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    obtained_at: float
    seed: str

    def stale(self, now: float) -> bool:
        """Whether the token must be renewed before use: it expires soon, or its expiry is unknown and it is fifty
        minutes old.

        `expires_in` of the answer is ignored, because Deskera's samples show 0 and 9.
        """
        if not self.access:
            return True
        expiry = claims(self.access).get("exp")
        if isinstance(expiry, int) and not isinstance(expiry, bool):
            expiry = min(max(expiry, 0), self.obtained_at + LONGEST_LIFE_SECONDS)
            # A token that lives shorter than EARLY_SECONDS is not renewed at once: it is used for at least half of its
            # life.
            return now >= expiry - min(EARLY_SECONDS, max(expiry - self.obtained_at, 0.0) / 2)
        return now >= self.obtained_at + BLIND_SECONDS

    def stored(self) -> dict[str, str]:
        return {
            "access_token": self.access,
            "refresh_token": self.refresh,
            "obtained_at": repr(self.obtained_at),
            "seed": self.seed,
        }


def from_store(stored: Mapping[str, str]) -> Tokens | None:
    """The stored tokens, or None when they cannot be read."""
    try:
        return Tokens(
            stored["access_token"], stored["refresh_token"], float(stored["obtained_at"]), stored.get("seed", "")
        )
    except (KeyError, ValueError):
        return None


def seed_of(access: str, refresh: str) -> str:
    return hashlib.sha256(f"{access}\n{refresh}".encode()).hexdigest()


def from_answer(body: Any, before: Tokens, now: float) -> Tokens | None:
    """The tokens in an answer, or None when it holds none. In V1 answers, `deskera-token` is the token to use.

    A server that does not rotate may leave out the refresh token; then the former one stays.
    """
    if not isinstance(body, dict):
        return None
    access = _first(body, "deskera-token", "access_token", "accessToken")
    refresh = _first(body, "deskera-refresh-token", "refresh_token", "refreshToken")
    return Tokens(access, refresh or before.refresh, now, before.seed) if access else None


@lru_cache(maxsize=16)  # called before every call
def claims(token: str) -> Mapping[str, Any]:
    """The readable part of a JWT; empty when it has none. It is not verified, because we only hold the token."""
    try:
        found: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError):
        return {}
    return found


def tenant_of(token: str) -> str | None:
    """The organisation that a token opens: claim `tenantId`, else the second half of
    `user_name` ("<user>:<tenant>")."""
    found = claims(token)
    tenant = found.get("tenantId")
    if isinstance(tenant, int | str) and not isinstance(tenant, bool) and str(tenant).strip():
        return str(tenant).strip()
    name = found.get("user_name")
    if isinstance(name, str) and ":" in name:
        return name.rpartition(":")[2].strip() or None
    return None


def v1_renewal(before: Tokens) -> dict[str, str]:
    """The body of V1's own renewal call. User and tenant are left out when the token does not show them."""
    user, tenant = claims(before.access).get("user_name"), tenant_of(before.access)
    known = {"userName": user if isinstance(user, str) else None, "tenantId": tenant}
    return {"refreshToken": before.refresh, **{name: value for name, value in known.items() if value}}


def _first(body: Mapping[str, Any], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := body.get(key), str) and value), "")
