"""Requests to the admin listener: hypothesis draws them from its own description, with a seed for each batch."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.field.attack.site import WILD_MAPPING
from tests.field.attack.socketry import Attempt

BATCH = 25
PAGES = (
    "/",
    "/records",
    "/waiting",
    "/letters",
    "/conflicts",
    "/hooks",
    "/runs",
    "/mappings",
    "/audit",
    "/settings",
    "/login",
)
RAW = (
    "/static/..%2f..%2fbridge.yaml",
    "/static/%2e%2e/%2e%2e/etc/passwd",
    "/static/",
    "/events",
    "/metrics",
    "/status",
    "/health",
    "/health/ready",
    "/api/v1/",
    "/api/v1/openapi.json",
    "//api/v1/overview",
    "/api/v1/%00",
    "/act/resync",
    "/act/%ff",
    "/logout",
)
PLAUSIBLE = (
    "crm",
    "erp",
    "crm2",
    "erp2",
    "sales",
    "iam",
    "cards",
    "wild",
    "junk",
    "person",
    "crm_contact",
    "user",
    "1",
    "2",
    "7",
)
HALTING = ("pause",)
"""Operations that would rightly stop the good records: they are called for a hostile mapping only."""

TEXT = (
    st.sampled_from(PLAUSIBLE)
    | st.text(max_size=40)
    | st.sampled_from(("", "..", "%", "\x00", "\ud800", "x" * 3000, "٣", "<script>"))
)
SCALAR = TEXT | st.integers() | st.floats() | st.booleans() | st.none() | st.sampled_from((10**400, -(10**19), 1e308))
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
RAW_BODIES = st.sampled_from(
    (b"", b"{", b"[" * 200_000, b"\xff\xfe", b"null", b"7", b'{"a":1,"a":2}', b"{" * 300, b"x" * 300_000)
) | st.binary(max_size=60)
HEADERS = st.lists(
    st.sampled_from(
        (
            b"Content-Type: text/plain",
            b"Content-Type: application/x-www-form-urlencoded",
            b"Origin: http://evil.example",
            b"Sec-Fetch-Site: cross-site",
            b"Cookie: bridge_session=" + b"x" * 300,
            b"Cookie: bridge_session=\xff\xfe; a",
            b"Content-Encoding: gzip",
            b"Expect: 100-continue",
            b"Range: bytes=0-99999999999999999999",
            b"If-Modified-Since: never",
            b"If-None-Match: \xff",
            b"Accept: \xe4",
            b"HX-Request: true",
            b"Last-Event-ID: x",
            b"Upgrade: websocket",
        )
    ),
    max_size=3,
)
STRANGERS = (
    b"",
    b"Bearer",
    b"Bearer \xff\xfe\xe4",
    b"Bearer " + b"x" * 5000,
    b"Basic eDp5",
    b"Digest x",
    b"Bearer a b c",
)
"""Unknown callers. After ten wrong tokens this address must wait a minute, so these requests come last."""


class Visitors:
    """`described`: the content of /api/v1/openapi.json. `operate`, `read`: tokens with these roles."""

    def __init__(self, described: Mapping[str, Any], seed_: int, operate: str, read: str) -> None:
        self._seed = seed_
        self._known = [f"Bearer {token}".encode() for token in (operate, operate, operate, read)]
        self._operations = [
            (method.upper(), path, _fields(operation))
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ]

    def batch(self, number: int, send: Callable[[Attempt], None], strangers: bool = False) -> None:
        """Send the requests of this batch; the same ones for the same seed."""
        who = st.sampled_from(STRANGERS if strangers else self._known)

        @seed(hash((self._seed, number)))
        @settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(data=st.data())
        def draw(data: st.DataObject) -> None:
            send(self._attempt(data, data.draw(who)))

        draw()

    def _attempt(self, data: st.DataObject, who: bytes) -> Attempt:
        way = data.draw(st.sampled_from(("api", "api", "api", "page", "form", "raw")))
        headers = [b"Authorization: " + who] if who else []
        if way == "api":
            method, path, fields = data.draw(st.sampled_from(self._operations))
            halting = path.rsplit("/", 1)[-1] in HALTING
            filled = self._filled(data, path, halting)
            if method == "GET":
                query = data.draw(st.dictionaries(st.sampled_from(fields or ["x"]) | TEXT, SCALAR, max_size=3))
                filled += "?" + "&".join(f"{_quoted(name)}={_quoted(str(value))}" for name, value in query.items())
                body = b""
            else:
                named = st.dictionaries(st.sampled_from(fields or ["x"]), VALUE, max_size=4)
                body = data.draw(st.builds(_json, named | VALUE) | RAW_BODIES)
                headers.append(b"Content-Type: application/json")
            what = f"{method} {path}"
        elif way == "form":
            method = "POST"
            filled = data.draw(
                st.sampled_from(
                    ("/login", "/logout", "/mappings/cards/try", "/act/resync", "/act/retry", "/act/nothing")
                )
            )
            form = data.draw(st.dictionaries(TEXT, TEXT, max_size=4))
            body = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in form.items()).encode()
            headers.append(b"Content-Type: application/x-www-form-urlencoded")
            what = f"form {filled}"
        else:
            method = data.draw(st.sampled_from(("GET", "GET", "GET", "HEAD", "POST", "DELETE", "OPTIONS")))
            filled = data.draw(st.sampled_from(RAW if way == "raw" else PAGES)) + data.draw(
                st.just("") | TEXT.map(lambda one: "?q=" + _quoted(one))
            )
            body, what = b"", f"{method} {filled[:40]}"
        headers += data.draw(HEADERS)
        first = [f"{method} {filled} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", "Connection: close"]
        lines = [one.encode("latin-1", "replace") for one in first] + headers
        whole = b"\r\n".join([*lines, b"", body])
        kind = "admin stranger" if who in STRANGERS else f"admin {way}"
        return Attempt(kind, what, [whole])

    def _filled(self, data: st.DataObject, path: str, halting: bool) -> str:
        parts = []
        for part in path.split("/"):
            if not part.startswith("{"):
                parts.append(part)
            elif halting:
                parts.append(WILD_MAPPING)
            else:
                parts.append(_quoted(data.draw(TEXT)))
        return "/".join(parts) if path.startswith("/api") else "/api/v1" + "/".join(parts)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _fields(operation: Mapping[str, Any]) -> list[str]:
    """Return the names that a request may have, from all places of the description."""
    found = [one["name"] for one in operation.get("parameters", []) if one.get("in") == "query"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        found += list(content.get("schema", {}).get("properties", {}))
    return found
