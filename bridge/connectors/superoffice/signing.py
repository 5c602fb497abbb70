"""Signatures of the system user's flow. Vendor page "System user flow"."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CLAIMS = "http://schemes.superoffice.net/identity/"
SIGNATURE_ONLY: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}

_XML_PARTS = ("Modulus", "Exponent", "P", "Q", "DP", "DQ", "InverseQ", "D")


class BadToken(Exception):
    """A token whose form or signature is wrong. The text never shows the token."""


def read_private_key(text: str) -> rsa.RSAPrivateKey:
    """Read a key in PEM, or as `<RSAKeyValue>`. Raises ValueError, which does not show the key."""
    try:
        if "<RSAKeyValue" in text:
            return _from_xml(text)
        key = load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        raise ValueError("is neither an RSA key in PEM form without a password nor an <RSAKeyValue>") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("is not an RSA key")
    return key


def _from_xml(text: str) -> rsa.RSAPrivateKey:
    """Read a key in the vendor's .NET XML: base64 of big-endian numbers."""
    found = {name: re.search(rf"<{name}>\s*([A-Za-z0-9+/=\s]+?)\s*</{name}>", text) for name in _XML_PARTS}
    number = {name: _number(base64.b64decode(match.group(1))) for name, match in found.items() if match}
    public = rsa.RSAPublicNumbers(number["Exponent"], number["Modulus"])
    return rsa.RSAPrivateNumbers(
        number["P"], number["Q"], number["D"], number["DP"], number["DQ"], number["InverseQ"], public
    ).private_key()


def sign_system_token(token: str, key: rsa.RSAPrivateKey, now: datetime) -> str:
    """Return `<token>.<UTC minute>.<signature>`; `now` is aware UTC."""
    data = f"{token}.{now:%Y%m%d%H%M}"
    signature = key.sign(data.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{data}.{base64.b64encode(signature).decode()}"


def read_ticket(token: str, keys: Any) -> str:
    """The ticket in the answer to the system user. Raises BadToken."""
    ticket = read_claims(token, keys).get("ticket")
    if not ticket:
        raise BadToken("the sign-in's answer contains no ticket")
    return ticket


def read_claims(token: str, keys: Any) -> Mapping[str, str]:
    """The vendor's own claims of a JWT that one of `keys` (a JSON Web Key Set) signed, by their last word.

    Its expiry is not checked: the vendor's own sample does not check it either, and each use extends the ticket. Raises
    BadToken.
    """
    try:
        head = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, RecursionError):
        raise BadToken("the sign-in's answer is not a JSON Web Token") from None
    for key in _rsa_keys(keys, head):
        try:
            body = jwt.decode(token, key, algorithms=["RS256"], options=SIGNATURE_ONLY)
        except (jwt.InvalidTokenError, RecursionError):
            continue
        ours = {name.removeprefix(CLAIMS): value for name, value in body.items() if name.startswith(CLAIMS)}
        return {name: value for name, value in ours.items() if isinstance(value, str)}
    raise BadToken("the sign-in's answer is not signed by a key of SuperOffice")


def _rsa_keys(keys: Any, head: Mapping[str, Any]) -> list[jwt.PyJWK]:
    """The keys with the token's key id. All RSA keys when the id is missing or unknown."""
    rows = keys.get("keys") if isinstance(keys, dict) else None
    rows = rows if isinstance(rows, list) else []
    known = [row for row in rows if isinstance(row, dict) and row.get("kty") == "RSA"]
    named = [row for row in known if head.get("kid") and row.get("kid") == head["kid"]]
    found = []
    for row in named or known:
        try:
            found.append(jwt.PyJWK(row, "RS256"))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            continue
    return found


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
