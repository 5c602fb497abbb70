"""Signatures of deliveries: RFC 9421 with a content digest, and the older `x-sha2-signature`.

Pages "Webhook Signature Verification" of both generations of the documentation.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

from bridge.simulators.entrust.state import Options

_KEYS: Mapping[str, Callable[[str], bytes]] = {
    "utf8": lambda token: token.encode(),
    "utf8-without-prefix": lambda token: token.removeprefix("whsec_").encode(),
    "base64": lambda token: base64.b64decode(token.removeprefix("whsec_")),
    "base64url": lambda token: base64.urlsafe_b64decode(token.removeprefix("whsec_")),
}
_DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


def signed_headers(options: Options, token: str, hook_id: str, url: str, body: bytes, now: float) -> dict[str, str]:
    """The signature headers of a delivery to `url`."""
    key = _KEYS[options.key](token)
    headers: dict[str, str] = {}
    if options.signatures in ("rfc9421", "both"):
        headers |= _rfc9421(options, key, hook_id, url, body, now)
    if options.signatures in ("sha2", "both"):
        headers["x-sha2-signature"] = hmac.new(key, body, hashlib.sha256).hexdigest()
    return headers


def _rfc9421(options: Options, key: bytes, hook_id: str, url: str, body: bytes, now: float) -> dict[str, str]:
    digest = f"{options.digest}=:{_text(_DIGESTS[options.digest](body).digest())}:"
    parameters = '("@method" "@target-uri" "content-digest")'
    parameters += f";created={int(now)}" if options.created else ""
    parameters += f';keyid="{hook_id}"' if options.keyid else ""
    parameters += ';alg="hmac-sha256"'
    lines = (
        '"@method": POST',
        f'"@target-uri": {url}',
        f'"content-digest": {digest}',
        f'"@signature-params": {parameters}',
    )
    made = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).digest()
    return {
        "Content-Digest": digest,
        "Signature-Input": f"sig={parameters}",
        "Signature": f"sig=:{_text(made)}:",
    }


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
