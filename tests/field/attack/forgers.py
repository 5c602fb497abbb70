"""Real callbacks of all four products, altered in every place that proves their origin."""

import random
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from hmac import digest

from tests.field.attack.site import SYSTEMS
from tests.field.attack.socketry import Attempt
from tests.field.attack.wire import Delivery

Bend = Callable[[Delivery, random.Random], Delivery]


def _header(name: str, change: Callable[[str, random.Random], str | None]) -> Bend:
    def bend(one: Delivery, rng: random.Random) -> Delivery:
        headers = dict(one.headers)
        at = next((key for key in headers if key.lower() == name.lower()), None)
        if at is None:
            return replace(one, url=one.url[:-1])  # the vendor sent no such header: then the address is altered
        changed = change(headers.pop(at), rng)
        return replace(one, headers=headers if changed is None else {**headers, at: changed})

    return bend


def _flipped(text: str, rng: random.Random) -> str:
    """Change one letter or digit of the first half."""
    places = [at for at, one in enumerate(text[: len(text) // 2 + 1]) if one.isalnum()]
    if not places:
        return text + "x"
    at = rng.choice(places)
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _body(one: Delivery, rng: random.Random) -> Delivery:
    """Add one byte, so that the body differs from the signed one."""
    at = rng.randrange(len(one.body) + 1)
    return replace(one, body=one.body[:at] + b" " + one.body[at:])


def _sha256_of(one: Delivery, rng: random.Random) -> Delivery:
    signed = b64encode(digest(b"guessed", one.body, sha256)).decode()
    return replace(one, headers={**_without(one, "x-superoffice-signature"), "X-SuperOffice-Signature": signed})


def _without(one: Delivery, *names: str) -> dict[str, str]:
    return {name: value for name, value in one.headers.items() if name.lower() not in names}


def _older_scheme(one: Delivery, rng: random.Random) -> Delivery:
    """Use the older scheme in place of the newer one."""
    headers = _without(one, "signature", "signature-input", "content-digest")
    return replace(one, headers={**headers, "x-sha2-signature": digest(b"guessed", one.body, sha256).hex()})


def _label(value: str, rng: random.Random) -> str:
    return value.replace("sig=", rng.choice(("sig2=", "SIG=", "=", "sig=sig=", "")))


def _covers_less(value: str, rng: random.Random) -> str:
    return value.replace(rng.choice((' "content-digest"', ' "@target-uri"', '"@method" ')), "")


def _algorithm(value: str, rng: random.Random) -> str:
    return value.replace("hmac-sha256", rng.choice(("none", "rsa-pss-sha512", "hmac-sha1", "")))


def _created(value: str, rng: random.Random) -> str:
    head, _, tail = value.partition(";created=")
    rest = tail.lstrip("0123456789")
    return f"{head};created={rng.choice((0, 1, 10**10, 10**15, -5))}{rest}"


BENDS: Mapping[str, Mapping[str, Bend]] = {
    "pipedrive": {
        "no credentials": _header("authorization", lambda value, rng: None),
        "credentials changed": _header("authorization", _flipped),
        "another scheme": _header("authorization", lambda value, rng: "Bearer " + value.split()[-1]),
        "no base64": _header("authorization", lambda value, rng: "Basic " + "%" * rng.randrange(99)),
        "guessed": _header("authorization", lambda value, rng: _basic("hook-0", "x" * rng.randrange(2000))),
        "empty password": _header("authorization", lambda value, rng: _basic("", "")),
        "not ASCII": _header("authorization", lambda value, rng: "Basic \xff\xfe\xe4"),
    },
    "superoffice": {
        "no signature": _header("x-superoffice-signature", lambda value, rng: None),
        "signature changed": _header("x-superoffice-signature", _flipped),
        "signature cut": _header("x-superoffice-signature", lambda value, rng: value[: rng.randrange(len(value))]),
        "signature twice": _header("x-superoffice-signature", lambda value, rng: f"{value}, {value}"),
        "not ASCII": _header("x-superoffice-signature", lambda value, rng: "\xe4" * 44),
        "signed by a guess": _sha256_of,
        "body changed": _body,
    },
    "entrust": {
        "no signature": lambda one, rng: replace(one, headers=_without(one, "signature")),
        "no input": lambda one, rng: replace(one, headers=_without(one, "signature-input")),
        "no digest": lambda one, rng: replace(one, headers=_without(one, "content-digest")),
        "unsigned": lambda one, rng: replace(
            one, headers=_without(one, "signature", "signature-input", "content-digest")
        ),
        "signature changed": _header("signature", lambda value, rng: "sig=:" + _flipped(value[5:], rng)),
        "signature cut": _header("signature", lambda value, rng: value[: rng.randrange(len(value) - 1)]),
        "another label": _header("signature", _label),
        "covers less": _header("signature-input", _covers_less),
        "another algorithm": _header("signature-input", _algorithm),
        "another time": _header("signature-input", _created),
        "input endless": _header(
            "signature-input", lambda value, rng: value + ';x="' + "y" * rng.randrange(5000) + '"'
        ),
        "digest changed": _header("content-digest", lambda value, rng: _flipped(value[10:], rng)),
        "older scheme": _older_scheme,
        "body changed": _body,
    },
    "deskera": {},
}
"""What proves a callback's origin, by product. Deskera signs nothing, so the address is the only proof."""


def _token(one: Delivery, rng: random.Random) -> Delivery:
    head, _, token = one.url.rpartition("/")
    changed = rng.choice((_flipped(token, rng), token[:-1], token + "0", token[::-1], "", "0" * len(token)))
    return replace(one, url=f"{head}/{changed if changed != token else token[:-1]}")


def _other_hook(one: Delivery, rng: random.Random) -> Delivery:
    head, hook, token = one.url.rsplit("/", 2)
    return replace(
        one, url=f"{head}/{rng.choice(('any.deal2', 'x' * 300, '%00', 'any%2Fperson', hook.upper() + '_'))}/{token}"
    )


def _other_system(one: Delivery, rng: random.Random) -> Delivery:
    return replace(
        one, url=one.url.replace(f"/{one.system}/", f"/{rng.choice([s for s in SYSTEMS if s != one.system])}/")
    )


ANYWHERE: Mapping[str, Bend] = {
    "token changed": _token,
    "another hook's address": _other_hook,
    "another system's address": _other_system,
}


def forged(one: Delivery, seed: int, number: int) -> Attempt:
    """Return the attempt with this number on a real delivery; the same seed and delivery give the same attempt."""
    rng = random.Random(f"{seed} forged {one.system} {number}")
    bends = {**BENDS[one.product], **ANYWHERE}
    name = rng.choice(list(bends))
    bent = bends[name](one, rng)
    return Attempt("forged " + one.product, name, [_bytes(bent)], forged=True)


def replayed(one: Delivery) -> Attempt:
    """Return a real callback unaltered: it is accepted, and costs one read at most."""
    return Attempt("replayed " + one.product, "", [_bytes(one)])


def _bytes(one: Delivery) -> bytes:
    path = "/" + one.url.split("/", 3)[3]
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(one.body)}"]
    lines += [
        f"{name}: {value}" for name, value in one.headers.items() if name.lower() not in ("host", "content-length")
    ]
    return "\r\n".join(lines).encode("latin-1", errors="replace") + b"\r\n\r\n" + one.body
