"""Callback addresses: how they are made, and how the bridge recognizes its own without a store."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import field
from functools import lru_cache
from urllib.parse import urlsplit

from bridge.domain.callback import HookSecret
from bridge.domain.frozen import dataclass, replace

PREFIX = "/hooks/"
TOKEN_CHARACTERS = 40
KNOWN_TURNS = 32
"""The bridge recognizes addresses of this many rotations as its own without the store."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The state of a system's rotation. `number`: how often its addresses were changed. `former`: addresses of the
    previous turn are still accepted."""

    number: int = 0
    former: bool = False


@dataclass(frozen=True, slots=True)
class Addresses:
    """Makes and recognizes this instance's callback URLs: `<public_url>/hooks/<system>/<key>/<token>`.

    The token is an HMAC of an instance secret over instance, system and hook. Nobody can guess it, each instance has
    another one, and it can be checked without the store. Addresses of the `former` secret are ours as well until all
    hooks have new ones. `turns`: the current turn of each system; all users of these addresses share this dictionary.
    """

    instance: str
    secret_bytes: bytes = field(repr=False)
    public_url: str
    former: "Addresses | None" = None
    turns: dict[str, Turn] = field(default_factory=dict, repr=False, compare=False)

    def url(self, system: str, key: str) -> str:
        """Return the address to register a hook with."""
        return f"{self.public_url.rstrip('/')}{PREFIX}{system}/{key}/{self.token(system, key)}"

    def token(self, system: str, key: str) -> str:
        """Return the secret part of a hook's address."""
        return self._token(system, key, self.turn(system).number)

    def turn(self, system: str) -> Turn:
        """Return the turn that a system's addresses are in."""
        return self.turns.get(system, Turn())

    def _token(self, system: str, key: str, number: int) -> str:
        return _token(self.secret_bytes, self.instance, system, key, number)

    def _accepted(self, system: str) -> list[int]:
        """Return the turns whose addresses are accepted; another instance may just have begun the next one."""
        turn = self.turn(system)
        return [turn.number, turn.number + 1, *([turn.number - 1] if turn.former and turn.number else [])]

    def _is_of(self, system: str, key: str, token: str, numbers: Iterable[int]) -> int | None:
        """Return the turn among `numbers` that the token belongs to; None if it belongs to none."""
        return _turn_of(self.secret_bytes, self.instance, system, key, token, tuple(numbers))

    def check(self, system: str, key: str, token: str) -> bool:
        """Return whether a token belongs to this hook; takes constant time."""
        now = self._is_of(system, key, token, self._accepted(system)) is not None
        before = self.former is not None and self.former.check(system, key, token)
        return now or before

    def ours(self, url: str) -> tuple[str, str] | None:
        """Return (system, key) of a URL that contains our token, whatever its host; None for all other URLs."""
        try:
            _, found, tail = urlsplit(url).path.rpartition(PREFIX)
        except ValueError:
            return None
        parts = tail.split("/")
        if not found or len(parts) != 3:
            return None
        system, key, token = parts
        return (system, key) if self._was_made_here(system, key, token) else None

    def _was_made_here(self, system: str, key: str, token: str) -> bool:
        numbers = range(max(KNOWN_TURNS, self.turn(system).number + 2))
        now = self._is_of(system, key, token, numbers) is not None
        return now or (self.former is not None and self.former._was_made_here(system, key, token))

    def carrying(self, system: str, key: str, token: str) -> "Addresses":
        """Return the addresses that the token belongs to: those of the former secret, of another turn, or these."""
        if self.former is not None and self.former.check(system, key, token):
            return self.former.carrying(system, key, token)
        number = self._is_of(system, key, token, self._accepted(system))
        if number is None or number == self.turn(system).number:
            return self
        return replace(self, turns={**self.turns, system: Turn(number)})

    def secret(self, system: str, key: str) -> HookSecret:
        """Return the credentials that callbacks of this hook must show if the vendor can send credentials."""
        turned = _turned(self.turn(system).number)
        user = f"hook-{self._mac('user', system, key, *turned)[:12]}"
        return HookSecret(user, self._mac("password", system, key, *turned))

    def echo(self, challenge: str) -> str:
        """Return the answer to a GET on a callback URL; it proves that this instance is behind the public address."""
        return self._mac("echo", challenge)

    def _mac(self, *words: str) -> str:
        return _hmac(self.secret_bytes, self.instance, *words)


@lru_cache(1024)
def _hmac(secret: bytes, *words: str) -> str:
    return hmac.new(secret, _bytes("\x1f".join(words)), hashlib.sha256).hexdigest()


def _token(secret: bytes, instance: str, system: str, key: str, number: int) -> str:
    return _hmac(secret, instance, "hook", system, key, *_turned(number))[:TOKEN_CHARACTERS]


@lru_cache(256)
def _turn_of(secret: bytes, instance: str, system: str, key: str, token: str, numbers: tuple[int, ...]) -> int | None:
    """Return the turn that the token belongs to. The time this takes reveals nothing about the token.

    Cached, because each callback's token is checked several times.
    """
    given = _bytes(token)
    tokens = {one: _token(secret, instance, system, key, one).encode() for one in numbers}
    equal = {one: hmac.compare_digest(made, given) for one, made in tokens.items()}
    return next((one for one, same in equal.items() if same), None)


def _turned(number: int) -> tuple[str, ...]:
    """Return what a turn adds to the authenticated words: nothing for the first turn."""
    return (f"turn {number}",) if number else ()


def _bytes(text: str) -> bytes:
    """Return the text as bytes. Text from a request may hold characters that UTF-8 cannot encode."""
    return text.encode(errors="backslashreplace")
