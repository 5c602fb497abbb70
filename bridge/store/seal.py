"""Encryption at rest of tokens and hook secrets: Fernet, with a key made from the instance secret."""

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.domain.errors import ConfigError, Problem

FIELD = "fernet"
WRONG = Problem(
    "instance_secret",
    "is not the secret that the tokens in the store were encrypted with",
    "set instance_secret_former to the former secret until all tokens are encrypted with the new one",
)


class FernetSeal:
    """Seals a credential's tokens as one ciphertext. Rows from before encryption are read as they are.

    `former`: a secret that rows may still be sealed with. They can be opened, and are sealed again with the current
    one.
    """

    def __init__(self, secret: bytes, former: bytes | None = None) -> None:
        self._today = _fernet(secret)
        self._fernet = MultiFernet([self._today] if former is None else [self._today, _fernet(former)])

    def is_current(self, sealed: Mapping[str, str]) -> bool:
        """Whether the stored form is encrypted with the current secret."""
        try:
            self._today.decrypt(sealed.get(FIELD, "").encode())
        except InvalidToken:
            return False
        return True

    def close(self, tokens: Mapping[str, str]) -> Mapping[str, str]:
        """Return the form that is stored."""
        return {FIELD: self._fernet.encrypt(json.dumps(dict(tokens)).encode()).decode()}

    def open(self, sealed: Mapping[str, str]) -> Mapping[str, str]:
        """Return the tokens. Raises ConfigError if they were sealed with another secret."""
        if set(sealed) != {FIELD}:
            return sealed
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(sealed[FIELD].encode()))
        except (InvalidToken, ValueError):
            raise ConfigError([WRONG]) from None
        return opened


def _fernet(secret: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"bridge tokens at rest").derive(secret)
    return Fernet(base64.urlsafe_b64encode(derived))
