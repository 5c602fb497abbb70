"""Requests of strangers to the public listener. The seed, the kind and the number define each attempt."""

import gzip
import json
import random
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping

from bridge.domain.address import Addresses
from tests.field.attack.socketry import Attempt
from tests.integration.test_rubbish import RUBBISH

MEGABYTE = 2**20
ODD_PATHS = (
    "/",
    "//",
    "/hooks",
    "/hooks/",
    "/hooks/crm",
    "/hooks/../hooks/",
    "/..%2f..%2fetc%2fpasswd",
    "/%00",
    "/%c0%af",
    "/%",
    "/%zz",
    "/hooks/%63rm/any.person/",
    "/\\hooks\\",
    "*",
    "http://evil.example/hooks/",
    "/hooks/crm/" + "a" * 4000,
    "/hooks/" + "%ff" * 100,
    "/hooks/crm/any.person/\xe4",
    "/?challenge=" + "x" * 5000,
    "/hooks;/crm",
    "/health",
    "/metrics",
    "/api/v1/overview",
    "/hooks/crm/any.person/%0d%0aX:1",
)
METHODS = (
    "POST",
    "GET",
    "PUT",
    "DELETE",
    "PATCH",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "BREW",
    "post",
    "P\x00ST",
    "",
)
CHUNKED = (
    "Transfer-Encoding: chunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "X: y\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, identity",
    "transfer-encoding: CHUNKED",
    "Transfer-Encoding: \x0bchunked",
    " Transfer-Encoding: chunked",
)


class Strangers:
    """`kinds`: every kind of attempt. `draw` makes the attempt of a kind and a number, always the same for one seed."""

    def __init__(self, addresses: Addresses, seed: int) -> None:
        self._seed = seed
        self._addresses = addresses
        hook = ("crm", "any.person")
        self._path = addresses.url(*hook).removeprefix(addresses.public_url)
        shown = addresses.secret(*hook)
        self._basic = "Basic " + b64encode(f"{shown.user}:{shown.password}".encode()).decode()
        self._unsigned = addresses.url("erp", "any").removeprefix(addresses.public_url)
        self.kinds: Mapping[str, Callable[[random.Random], Attempt]] = {
            "rubbish": self._rubbish,
            "mutated request": self._mutated,
            "huge head": self._huge_head,
            "deep or odd JSON": self._json,
            "compressed": self._compressed,
            "smuggling": self._smuggling,
            "slow": self._slow,
            "half open": self._half_open,
            "odd address": self._odd_address,
            "bad encoding": self._bad_encoding,
        }

    def draw(self, kind: str, number: int) -> Attempt:
        return self.kinds[kind](random.Random(f"{self._seed} {kind} {number}"))

    def _request(self, body: bytes = b"{}", more: str = "", method: str = "POST", path: str | None = None) -> bytes:
        head = (
            f"{method} {self._path if path is None else path} HTTP/1.1\r\nHost: x\r\nAuthorization: {self._basic}\r\n"
        )
        return f"{head}Content-Length: {len(body)}\r\n{more}\r\n".encode("latin-1") + body

    def _rubbish(self, rng: random.Random) -> Attempt:
        name = rng.choice(list(RUBBISH))
        return Attempt("rubbish", name, [_bent(RUBBISH[name], rng, rng.randrange(4))])

    def _mutated(self, rng: random.Random) -> Attempt:
        return Attempt("mutated request", "", [_bent(self._request(_json_text(rng)), rng, rng.randrange(1, 6))])

    def _huge_head(self, rng: random.Random) -> Attempt:
        size = rng.choice((8_000, 9_000, 70_000, 300_000, 2_000_000))
        more = rng.choice(
            (
                f"X-Long: {'x' * size}\r\n",
                "".join(f"X-{n}: {n}\r\n" for n in range(size // 10)),
                f"{'X' * size}: 1\r\n",
                "Cookie: " + "; ".join(f"c{n}=1" for n in range(size // 8)) + "\r\n",
                "X: 1\r\n" + " folded\r\n" * (size // 10),
            )
        )
        return Attempt("huge head", f"{size} bytes", [self._request(more=more)])

    def _json(self, rng: random.Random) -> Attempt:
        depth = rng.choice((100, 990, 1_010, 50_000, 400_000))
        body = rng.choice(
            (
                b"[" * depth,
                b'{"meta":' * depth + b"1" + b"}" * depth,
                b'{"meta":{"entity":"person","entity_id":' + b"9" * depth + b',"action":"change"}}',
                b'{"meta":{"entity":"person","entity_id":"7","action":"change","id":"\\ud800"}}',
                b'{"a":1,' * min(depth, 50_000) + b'"b":2' + b"}" * min(depth, 50_000),
                b"[" + b"0," * (depth // 2) + b"0]",
                b'{"meta":' + b'"\\u0000",' * 5 + b"}",
                _json_text(rng),
            )
        )
        return Attempt(
            "deep or odd JSON", f"depth {depth}", [self._request(body, path=rng.choice((self._path, self._unsigned)))]
        )

    def _compressed(self, rng: random.Random) -> Attempt:
        size = rng.choice((1_000, 5 * MEGABYTE, 20 * MEGABYTE))
        name = rng.choice(("gzip", "deflate", "br", "zstd", "x-gzip", "gzip, gzip", "identity, gzip"))
        body = gzip.compress(b"0" * size, 1, mtime=0) if "gzip" in name else zlib.compress(b"0" * size, 1)
        return Attempt(
            "compressed", f"{name} of {size}", [self._request(body, f"Content-Encoding: {name}\r\n")], forged=True
        )

    def _smuggling(self, rng: random.Random) -> Attempt:
        """A second request in the body of the first, by two contradicting lengths. The first has an unknown address."""
        inner = self._request()
        coding = rng.choice(CHUNKED)
        body = rng.choice((b"0\r\n\r\n" + inner, b"2\r\n{}\r\n0\r\n\r\n" + inner, b"0\r\nX: y\r\n\r\n" + inner, inner))
        length = rng.choice(
            (
                f"Content-Length: {len(body)}",
                "Content-Length: 4",
                "Content-Length: 0",
                "Content-Length: +5",
                f"Content-Length: 5\r\nContent-Length: {len(body)}",
                "Content-Length: 5, 6",
                "Content-Length: 0x5",
            )
        )
        lines = rng.sample([length, coding], 2)
        head = "POST /nowhere HTTP/1.1\r\nHost: x\r\n" + "\r\n".join(lines) + "\r\n\r\n"
        return Attempt("smuggling", f"{length} / {coding!r}", [head.encode("latin-1") + body], forged=True)

    def _slow(self, rng: random.Random) -> Attempt:
        whole = self._request(b'{"meta":{}}' * 20)
        at = rng.choice((10, whole.index(b"\r\n\r\n") + 4))
        tail = whole[at : at + 12]
        return Attempt("slow", f"from byte {at}", [whole[:at], *(bytes([one]) for one in tail)], pause=0.3)

    def _half_open(self, rng: random.Random) -> Attempt:
        whole = self._request(b"x" * 50)
        return Attempt("half open", "", [whole[: rng.randrange(len(whole))]])

    def _odd_address(self, rng: random.Random) -> Attempt:
        path = rng.choice((*ODD_PATHS, self._path[:-1], self._path + "0", self._path.upper(), self._path + "/"))
        return Attempt("odd address", path[:60], [self._request(path=path, method=rng.choice(METHODS))], forged=True)

    def _bad_encoding(self, rng: random.Random) -> Attempt:
        name, value = bytes(rng.randrange(256) for _ in range(3)), bytes(rng.randrange(128, 256) for _ in range(20))
        odd = b"X-" + name + b": " + value + b"\r\n"
        kind = rng.choice(
            ("application/json; charset=" + "x" * 300, "text/plain; charset=utf-16", "multipart/form-data", "\xe4/\xe4")
        )
        whole = self._request(_json_text(rng).decode().encode("utf-16"), f"Content-Type: {kind}\r\n")
        at = whole.index(b"\r\n") + 2
        return Attempt("bad encoding", kind[:40], [whole[:at] + rng.choice((odd, b"")) + whole[at:]])


def _bent(data: bytes, rng: random.Random, times: int) -> bytes:
    """Return the data with some bytes changed, left out, repeated or inserted."""
    bent = bytearray(data)
    for _ in range(times):
        at = rng.randrange(len(bent) + 1)
        way = rng.randrange(4)
        if way == 0 and bent:
            bent[min(at, len(bent) - 1)] = rng.randrange(256)
        elif way == 1:
            del bent[at : at + rng.randrange(1, 20)]
        elif way == 2:
            bent[at:at] = bent[at : at + 40]
        else:
            bent[at:at] = rng.choice((b"\r\n", b"\x00", b"\xff\xfe", b"%00", b" ", b":", bytes([rng.randrange(256)])))
    return bytes(bent)


def _json_text(rng: random.Random) -> bytes:
    meta = {
        "action": rng.choice(("change", "create", "delete", "merge", "", None, 7)),
        "entity": rng.choice(("person", "x", 7)),
    }
    ids = (1, "1", 10**40, "\x00", "\ud800", None, [], "9" * 300)
    return json.dumps(
        {"meta": {**meta, "entity_id": rng.choice(ids), "id": rng.choice(ids)}, "data": rng.choice(ids)}
    ).encode()
