"""Signatures of deliveries: HTTP message signatures (RFC 9421), and the older `x-sha2-signature`. Pure.

Vendor pages "Webhook Signature Verification" (two generations). How the key's bytes are derived from the hook's token
is not documented. `key_forms` names the possible ways; the first delivery that verifies shows which one is right.
"""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from hashlib import sha256, sha512
from typing import Any
from urllib.parse import urlsplit

import http_sf

from bridge.domain.callback import Callback
from bridge.domain.errors import BadCallback
from bridge.domain.frozen import dataclass

RFC9421, SHA2 = "rfc9421", "sha2"
NEEDED = ("@method", "@target-uri", "content-digest")
LABEL = "sig"
ALGORITHM = "hmac-sha256"
SHORTEST_KEY = 16  # bytes; a shorter key is not secret, so it is not tried
_DIGESTS: Mapping[str, Callable[[bytes], Any]] = {"sha-256": sha256, "sha-512": sha512}


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered hook. `form`: how its key is derived from the token, "" while that is not known."""

    url: str
    token: str = field(repr=False)
    form: str = ""


def _plain(token: str) -> bytes:
    return token.encode()


def _without_prefix(token: str) -> bytes:
    return _body(token).encode()


def _base64(token: str) -> bytes:
    return b64decode(_body(token), validate=True)


def _base64url(token: str) -> bytes:
    body = _body(token)
    return b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)


def _body(token: str) -> str:
    prefix, found, body = token.partition("_")
    return body if found and prefix == "whsec" else token


_FORMS: Mapping[str, Callable[[str], bytes]] = {
    "utf8": _plain,
    "utf8-without-prefix": _without_prefix,
    "base64": _base64,
    "base64url": _base64url,
}


def key_forms(token: str, only: str = "") -> dict[str, bytes]:
    """The possible keys of a token, by the name of their form. `only` leaves out all other forms."""
    found: dict[str, bytes] = {}
    for name, make in _FORMS.items():
        try:
            key = make(token)
        except (binascii.Error, ValueError):
            continue
        if len(key) >= SHORTEST_KEY and only in ("", name) and key not in found.values():
            found[name] = key
    return found


def scheme_of(callback: Callback) -> str | None:
    """The scheme, by the headers. A delivery with the newer signature is checked by that one
    only. None: it is unsigned."""
    if "signature-input" in callback.headers or "signature" in callback.headers:
        return RFC9421
    return SHA2 if "x-sha2-signature" in callback.headers else None


def verify(scheme: str, callback: Callback, hook: Registered, max_age_seconds: float) -> str:
    """Return the form of the key that verifies. Raises BadCallback."""
    if scheme == RFC9421:
        message, shown = _message(callback, hook.url, max_age_seconds)
    else:
        message, shown = callback.body, _hexadecimal(callback.headers.get("x-sha2-signature", ""))
    right = ""
    for form, key in key_forms(hook.token, hook.form).items():
        if hmac.compare_digest(hmac.digest(key, message, sha256), shown):
            right = right or form
    if not right:
        raise BadCallback("the delivery is not signed with the token of its hook")
    return right


def _hexadecimal(value: str) -> bytes:
    try:
        return bytes.fromhex(value.strip())
    except ValueError:
        raise BadCallback("x-sha2-signature is not hexadecimal") from None


def _message(callback: Callback, url: str, max_age_seconds: float) -> tuple[bytes, bytes]:
    """The signature base (RFC 9421, 2.5) and the signature in the delivery."""
    _check_digest(callback)
    header = callback.headers.get("signature-input", "")
    inputs = _dictionary(header, "signature-input")
    components, parameters = _signed_part(inputs.get(LABEL))
    if parameters.get("alg", ALGORITHM) != ALGORITHM:
        raise BadCallback("the delivery is signed with an algorithm other than hmac-sha256")
    _check_time(callback, parameters, max_age_seconds)
    lines = [f'"{name}": {_component(callback, url, name)}' for name in components]
    said = header.strip().removeprefix(f"{LABEL}=") if len(inputs) == 1 else http_sf.ser([inputs[LABEL]])
    lines.append(f'"@signature-params": {said}')
    shown = _dictionary(callback.headers.get("signature", ""), "signature").get(LABEL)
    if not isinstance(shown, tuple) or not isinstance(shown[0], bytes):
        raise BadCallback("the delivery shows no signature")
    return "\n".join(lines).encode(errors="replace"), shown[0]


def _dictionary(value: str, name: str) -> Mapping[str, Any]:
    try:
        found = http_sf.parse(value.encode("latin-1", errors="replace"), tltype="dictionary")
    except (ValueError, OverflowError):
        raise BadCallback(f"the header {name} cannot be read") from None
    return found if isinstance(found, dict) else {}


def _signed_part(member: Any) -> tuple[Sequence[str], Mapping[str, Any]]:
    """The names of the signed components. They must contain method, address and digest, each whole and once."""
    if not isinstance(member, tuple) or not isinstance(member[0], list):
        raise BadCallback("the delivery does not name the parts that are signed")
    names = [name for name, parameters in member[0] if isinstance(name, str) and not parameters]
    if len(names) != len(member[0]) or len(set(names)) != len(names) or not set(NEEDED) <= set(names):
        raise BadCallback("the signature does not cover method, address and digest")
    return names, member[1]


def _component(callback: Callback, url: str, name: str) -> str:
    if name == "@method":
        return callback.method
    if name == "@target-uri":
        return url
    if name == "@authority":
        return urlsplit(url).netloc.lower()
    if name.startswith("@") or name not in callback.headers:
        raise BadCallback("the signature covers a part that the delivery does not have")
    return callback.headers[name].strip()


def _check_digest(callback: Callback) -> None:
    """Checks the digests over the bytes as received. At least one known digest must be there, and all
    known ones must be right."""
    shown = _dictionary(callback.headers.get("content-digest", ""), "content-digest")
    known = [(_DIGESTS[name], member[0]) for name, member in shown.items() if name in _DIGESTS]
    right = [
        isinstance(value, bytes) and hmac.compare_digest(make(callback.body).digest(), value) for make, value in known
    ]
    if not right or not all(right):
        raise BadCallback("the body is not the signed one")


def _check_time(callback: Callback, parameters: Mapping[str, Any], max_age_seconds: float) -> None:
    """Checks `created` and `expires`, which are not always sent. A delivery repeated later is recognised by its id."""
    now = callback.received_at.timestamp()
    created, expires = parameters.get("created"), parameters.get("expires")
    if created is not None and not (isinstance(created, int) and abs(now - created) <= max_age_seconds):
        raise BadCallback("the signature is too old or too new: compare the clocks")
    if expires is not None and not (isinstance(expires, int) and now <= expires):
        raise BadCallback("the signature has expired")
