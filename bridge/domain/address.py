"""Callback addresses: where a system calls us, and how we know our own address again, without any store."""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bridge.domain.callback import HookSecret

PREFIX = "/hooks/"
TOKEN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Addresses:
    """Makes and recognises this instance's callback URLs: `<public_url>/hooks/<system>/<key>/<token>`.

    The token is an HMAC of an instance secret over instance, system and hook: unguessable, different for every
    instance, and known again without the store. Addresses of the `former` secret are ours too while hooks move over.
    """

    instance: str
    secret_bytes: bytes = field(repr=False)
    public_url: str
    former: "Addresses | None" = None

    def url(self, system: str, key: str) -> str:
        """The address a hook is registered with."""
        return f"{self.public_url.rstrip('/')}{PREFIX}{system}/{key}/{self.token(system, key)}"

    def token(self, system: str, key: str) -> str:
        """The part of the address nobody else can make."""
        return self._mac("hook", system, key)[:TOKEN_CHARACTERS]

    def check(self, system: str, key: str, token: str) -> bool:
        """Whether a token is one of this hook; constant time."""
        now = hmac.compare_digest(self.token(system, key).encode(), _bytes(token))
        before = self.former is not None and self.former.check(system, key, token)
        return now or before

    def ours(self, url: str) -> tuple[str, str] | None:
        """(system, key) of a URL that carries our token, whatever host it names; None for all others."""
        try:
            _, found, tail = urlsplit(url).path.rpartition(PREFIX)
        except ValueError:
            return None
        parts = tail.split("/")
        if not found or len(parts) != 3:
            return None
        system, key, token = parts
        return (system, key) if self.check(system, key, token) else None

    def carrying(self, system: str, key: str, token: str) -> "Addresses":
        """The addresses this token is one of: those of the former secret, or these."""
        if self.former is not None and self.former.check(system, key, token):
            return self.former
        return self

    def secret(self, system: str, key: str) -> HookSecret:
        """What deliveries of this hook must show where the vendor can send credentials along."""
        return HookSecret(f"hook-{self._mac('user', system, key)[:12]}", self._mac("password", system, key))

    def echo(self, challenge: str) -> str:
        """Our answer to a GET on a callback URL; proves that this very instance is behind the public address."""
        return self._mac("echo", challenge)

    def _mac(self, *words: str) -> str:
        text = "\x1f".join((self.instance, *words))
        return hmac.new(self.secret_bytes, _bytes(text), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    """Text from a request may hold what UTF-8 cannot."""
    return text.encode(errors="backslashreplace")
