"""Who asks: a bearer token, a session of a browser, or this machine where the settings let it in without a token."""

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
"""So many wrong tokens within this time, and a sender waits."""
MOST_SENDERS = 1000
"""With wrong tokens from more addresses than this in the window, everybody waits."""
ALGORITHM = "HS256"
THIS_MACHINE = "this machine"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Token:
    """A named token as the process keeps it: by its hash alone."""

    name: str
    role: Role
    digest: bytes


def token_of(name: str, role: str, secret: str) -> Token:
    return Token(name, Role[role.upper()], _digest(secret))


def _digest(secret: str) -> bytes:
    """Tokens are long and random, so that a plain hash of one cannot be turned back."""
    return hashlib.sha256(secret.encode(errors="backslashreplace")).digest()  # a request may hold what UTF-8 cannot


class TooMany(Exception):
    """Too many wrong tokens came; `seconds` until the next one is looked at."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many wrong tokens; try again in {math.ceil(seconds)} s")
        self.seconds = math.ceil(seconds)


@dataclass(slots=True)
class Login:
    """`key` signs the cookies of sessions: those of other instances on the same store hold as well.

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
        """Whether anybody can get in at all."""
        return bool(self.tokens) or self.this_machine > Role.NOBODY

    def by_token(self, secret: str, sender: str) -> Token | None:
        """Whose token this is; every one is compared, in constant time. Raises TooMany after many wrong ones of a
        sender (its network address)."""
        self._admit(sender)
        given, found = _digest(secret), None
        for token in self.tokens:
            if hmac.compare_digest(token.digest, given):
                found = token
        if found is None:
            self._failed.setdefault(sender, deque()).append(self.now())
        return found

    def person(self, request: web.Request) -> Person | None:
        """Who sent this request; None: somebody we do not know. Raises TooMany."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            token = self.by_token(secret.strip(), str(request.remote)) if scheme.lower() == "bearer" else None
            return None if token is None else Person(token.name, token.role)
        session = self._session(request)
        if session is not None:
            return Person(session[0].name, session[0].role)
        return Person(THIS_MACHINE, self.this_machine) if self.this_machine > Role.NOBODY else None

    def session(self, request: web.Request) -> bool:
        """Whether a browser's session sent this: then there is something to log out of."""
        return self._session(request) is not None

    def begin(self, response: web.StreamResponse, token: Token, secure: bool) -> None:
        """Give the browser a session."""
        self._set(response, token, self.now(), secure)

    def keep(self, request: web.Request, response: web.StreamResponse) -> None:
        """A session in use goes on: the cookie is made anew when a good part of its time is over."""
        session = self._session(request)
        if session is None or response.prepared:
            return
        token, claims = session
        if claims["exp"] - self.now() < self.session_seconds * 0.75:
            self._set(response, token, claims["began"], is_secure(request), claims["jti"])

    def end(self, request: web.Request, response: web.StreamResponse) -> tuple[str, str] | None:
        """End the session, here and in the browser; whose it was, and its id."""
        response.del_cookie(COOKIE, path="/")
        session = self._session(request)
        if session is None:
            return None
        token, claims = session
        self.have_ended([claims["jti"]])
        return token.name, claims["jti"]

    def have_ended(self, ids: Iterable[str]) -> None:
        """Sessions that count no more, also those that ended at another instance or before a restart."""
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
    """Of the hash, so that a session says nothing of the token."""
    return hashlib.sha256(token.digest).hexdigest()[:16]


def session_key(instance_secret: str) -> bytes:
    return hmac.digest(instance_secret.encode(), b"admin sessions", "sha256")


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy before us. A browser that says so falsely harms itself."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return request.secure or forwarded == "https"


def foreign(request: web.Request) -> bool:
    """Whether a page of somebody else had the browser send this.

    Browsers say where a request comes from and no page can change that; programs say nothing. A form of ours is always
    sent with one of the two headers. A link elsewhere may lead here; what reads without being seen would spend the
    vendors' quota.
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
    """Whether a person goes there with a tab, and no frame, picture or script of a page does."""
    headers = request.headers
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest", "document") == "document"
