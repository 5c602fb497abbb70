"""Who sent a request: a bearer token, a browser session, or this machine if the settings allow it without a token."""

import hashlib
import hmac
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web

from bridge.admin.operation import Person, Role

COOKIE = "bridge_session"
LONGEST_SECONDS = 12 * 3600.0
"""A session ends after this long, however busy it is."""
FAILURES = 10
WINDOW_SECONDS = 60.0
"""After FAILURES wrong tokens within this time, their sender must wait."""
MOST_SENDERS = 1000
"""If more addresses than this sent wrong tokens within the window, all senders must wait."""
ALGORITHM = "HS256"
THIS_MACHINE = "this machine"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Token:
    """A named token. The process keeps only its hash."""

    name: str
    role: Role
    digest: bytes


def token_of(name: str, role: str, secret: str) -> Token:
    return Token(name, Role[role.upper()], _digest(secret))


def _digest(secret: str) -> bytes:
    """Return the hash of a token. A plain hash is enough, because tokens are long and random."""
    return hashlib.sha256(secret.encode(errors="backslashreplace")).digest()  # may hold what UTF-8 cannot encode


class TooMany(Exception):
    """Too many wrong tokens were sent; the next one is checked after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many wrong tokens; try again in {math.ceil(seconds)} s")
        self.seconds = math.ceil(seconds)


@dataclass(slots=True)
class Login:
    """Tokens and sessions. `key` signs the session cookies, so that those of other instances on this store are valid
    too.

    `now`: epoch seconds. A session ends when its token is no longer in the settings, or has another secret.
    """

    tokens: Sequence[Token]
    this_machine: Role
    session_seconds: float
    key: bytes
    now: Callable[[], float]
    new_id: Callable[[], str]
    _failed: dict[str, deque[float]] = field(default_factory=dict)
    _ended: dict[str, float] = field(default_factory=dict)

    @property
    def possible(self) -> bool:
        """Whether anybody can log in at all."""
        return bool(self.tokens) or self.this_machine > Role.NOBODY

    def by_token(self, secret: str, sender: str) -> Token | None:
        """Return the token with this secret, or None. Every token is compared, in constant time. Raises TooMany after
        many wrong tokens of a sender (its network address)."""
        self._admit(sender)
        given, found = _digest(secret), None
        for token in self.tokens:
            if hmac.compare_digest(token.digest, given):
                found = token
        if found is None:
            self._failed.setdefault(sender, deque()).append(self.now())
        return found

    def person(self, request: web.Request) -> Person | None:
        """Return who sent this request; None if the sender is unknown. Raises TooMany."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            token = self.by_token(secret.strip(), str(request.remote)) if scheme.lower() == "bearer" else None
            return None if token is None else Person(token.name, token.role)
        session = self._session(request)
        if session is not None:
            return Person(session[0].name, session[0].role)
        return Person(THIS_MACHINE, self.this_machine) if self.this_machine > Role.NOBODY else None

    def session(self, request: web.Request) -> bool:
        """Whether a browser session sent this request, so that there is something to log out of."""
        return self._session(request) is not None

    def begin(self, response: web.StreamResponse, token: Token, secure: bool) -> None:
        """Start a session for the browser."""
        self._set(response, token, self.now(), secure)

    def keep(self, request: web.Request, response: web.StreamResponse) -> None:
        """Renew the cookie of a session in use when a quarter of its time is over."""
        session = self._session(request)
        if session is None or response.prepared:
            return
        token, claims = session
        if claims["exp"] - self.now() < self.session_seconds * 0.75:
            self._set(response, token, claims["began"], is_secure(request), claims["jti"])

    def end(self, request: web.Request, response: web.StreamResponse) -> tuple[str, str] | None:
        """End the session, here and in the browser; return the person's name and the session's id."""
        response.del_cookie(COOKIE, path="/")
        session = self._session(request)
        if session is None:
            return None
        token, claims = session
        self.have_ended([claims["jti"]])
        return token.name, claims["jti"]

    def have_ended(self, ids: Iterable[str]) -> None:
        """Reject these sessions from now on, also those that ended at another instance or before a restart."""
        until = self.now() + LONGEST_SECONDS
        self._ended = {jti: end for jti, end in self._ended.items() if end > self.now()} | dict.fromkeys(ids, until)

    def _set(
        self, response: web.StreamResponse, token: Token, began: float, secure: bool, jti: str | None = None
    ) -> None:
        until = min(self.now() + self.session_seconds, began + LONGEST_SECONDS)
        claims = {"name": token.name, "of": _fingerprint(token), "began": began, "exp": until}
        cookie = jwt.encode({**claims, "jti": jti or self.new_id()}, self.key, ALGORITHM)
        response.set_cookie(
            COOKIE, cookie, path="/", httponly=True, samesite="Strict", secure=secure, max_age=int(until - self.now())
        )

    def _session(self, request: web.Request) -> tuple[Token, dict[str, Any]] | None:
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            return None
        try:
            claims = jwt.decode(cookie, self.key, [ALGORITHM], options={"verify_exp": False})
        except (jwt.InvalidTokenError, UnicodeEncodeError):
            return None
        if claims["exp"] <= self.now() or claims["jti"] in self._ended:
            return None
        for token in self.tokens:
            if token.name == claims["name"] and _fingerprint(token) == claims["of"]:
                return token, claims
        return None

    def _admit(self, sender: str) -> None:
        now = self.now()
        for one, failed in list(self._failed.items()):
            while failed and failed[0] <= now - WINDOW_SECONDS:
                failed.popleft()
            if not failed:
                del self._failed[one]
        failed = self._failed.get(sender, deque())
        if len(failed) >= FAILURES or len(self._failed) >= MOST_SENDERS:
            begun = failed[0] if failed else now
            raise TooMany(begun + WINDOW_SECONDS - now)


def _fingerprint(token: Token) -> str:
    """Return a part of the hash of the token's hash, so that a cookie reveals nothing about the token."""
    return hashlib.sha256(token.digest).hexdigest()[:16]


def session_key(instance_secret: str) -> bytes:
    return hmac.digest(instance_secret.encode(), b"admin sessions", "sha256")


def is_secure(request: web.Request) -> bool:
    """Whether the browser uses TLS, to this listener or to a proxy in front. A false claim harms only that browser."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return request.secure or forwarded == "https"


def foreign(request: web.Request) -> bool:
    """Whether a page of another site made the browser send this request.

    Browsers say where a request comes from, and a page cannot change that; programs send no such header. A form of our
    own pages is always sent with one of the two headers. A link on another site may lead here. Requests that a person
    does not see are rejected even if they only read, because they would use the vendors' quota.
    """
    site = request.headers.get("Sec-Fetch-Site")
    own = site in (None, "same-origin", "none")
    if request.method in SAFE:
        return not own and not _opened(request)
    if site is not None:
        return not own
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin.partition("://")[2].lower() != request.host.lower()
    return COOKIE in request.cookies


def _opened(request: web.Request) -> bool:
    """Whether a person opens the address in a tab, and not a frame, a picture or a script of a page."""
    headers = request.headers
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest", "document") == "document"
