"""A hostile vendor: the simulator's own answers, sometimes replaced by answers that no product should send."""

import asyncio
import copy
import gzip
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

MEGABYTE = 2**20
SHARE = 0.6
"""The share of answers that are hostile."""
DOOR = (
    "oauth",
    "token",
    "Authenticate",
    "/users/me",
    "/api/state",
    "jwks",
    "well-known",
    "currentPrincipal",
    "accounts",
)
"""Paths of credentials and of the account's identity. A lie there stops a system, so it comes last."""
WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    "x" * 5000,
    "\ud800",
    "\x00",
    [],
    {},
    [[[[1]]]],
    {"id": {"id": 1}},
    "9" * 400,
]
NEXT = ("next_cursor", "nextCursor", "odata.nextLink", "next", "cursor", "totalPages", "total_pages", "totalElements")
RETRY = ("999999999", "-5", "1e9", "nan", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "soon", "0", "")
HOOKS = 100_000
MARK = "here come the rows"


class Hostile:
    """`kinds`: the hostile answers sent so far, by kind. `elsewhere`: the target of redirects."""

    def __init__(self, rng: random.Random, elsewhere: str) -> None:
        self.on = False
        self.at_the_door = False
        self.kinds: Counter[str] = Counter()
        self._rng, self._elsewhere = rng, elsewhere
        self._ways: dict[str, Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]] = {
            "endless pages": self._endless,
            "giant body": self._giant,
            "compressed bomb": self._bomb,
            "redirect elsewhere": self._redirect,
            "wrong types": self._types,
            "never-ending Retry-After": self._retry,
            "a list of 100,000": self._long_list,
            "echo of our request": self._echo,
            "deep JSON": self._deep,
            "cut off": self._cut,
            "drip": self._drip,
            "no JSON": self._no_json,
            "odd headers": self._headers,
            "odd status": self._status,
        }

    def middleware(self, name: str) -> Middleware:
        @web.middleware
        async def lie(request: web.Request, handler: Handler) -> web.StreamResponse:
            door = any(word in request.path for word in DOOR)
            if not self.on or (door and not self.at_the_door) or self._rng.random() > SHARE:
                return await handler(request)
            kind = self._rng.choice(list(self._ways))
            self.kinds[kind] += 1
            with suppress(ConnectionError):
                return await self._ways[kind](request, handler)
            return web.Response()

        return lie

    async def _true(self, request: web.Request, handler: Handler) -> Any:
        """Return the product's real answer as JSON, or an empty object where it is not JSON."""
        try:
            answer = await handler(request)
        except web.HTTPException:
            return {}
        body = answer.body if isinstance(answer, web.Response) else None
        try:
            return json.loads(body) if isinstance(body, bytes) else {}
        except ValueError:
            return {}

    async def _endless(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the same page for ever, each time with another token of the next page."""
        found = await self._true(request, handler)
        for holder in list(_objects(found)):
            for key in NEXT:
                if key in holder:
                    number = self._rng.randrange(10**9)
                    holder[key] = (
                        number if isinstance(holder[key], int) else f"{request.url.with_query({})}?page={number}"
                    )
            for key in ("last", "more_items_in_collection"):
                if key in holder:
                    holder[key] = not holder[key] if key == "last" else True
        if isinstance(found, dict):
            found.setdefault("additional_data", {"next_cursor": f"c{self._rng.randrange(10**9)}"})
        return web.json_response(found)

    async def _giant(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        piece = self._rng.choice([b"{},{ }," * (MEGABYTE // 7), b" " * MEGABYTE, b'"x",' * (MEGABYTE // 4)])
        return await self._streamed(request, [b'{"success":true,"data":['] + [piece] * 30)

    async def _bomb(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(body=self._packed, headers={"Content-Encoding": "gzip"}, content_type="application/json")

    @cached_property
    def _packed(self) -> bytes:
        return gzip.compress(b"[" + b"0," * (25 * MEGABYTE), 1)

    async def _redirect(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        status = self._rng.choice((301, 302, 303, 307, 308))
        return web.Response(status=status, headers={"Location": f"{self._elsewhere}{request.path_qs}"})

    async def _types(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return the real answer with values of other types at random places."""
        found = copy.deepcopy(await self._true(request, handler))
        places = [(holder, key) for holder in _objects(found) for key in holder]
        for holder, key in self._rng.sample(places, min(len(places), self._rng.randrange(1, 6))):
            holder[key] = self._rng.choice(WRONG)
        return web.json_response(found if places else self._rng.choice(WRONG))

    async def _retry(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        status = self._rng.choice((429, 503, 403, 200))
        return web.json_response({}, status=status, headers={"Retry-After": self._rng.choice(RETRY)})

    async def _long_list(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A list of 100,000 rows, the same for hooks, records, fields and options."""
        found = await self._true(request, handler)
        lists = [
            (one, key) for one in _objects(found) for key, value in one.items() if isinstance(value, list) and value
        ]
        row = lists[0][0][lists[0][1]][0] if lists else {"id": "1", "url": "http://x.example/hooks/a/b/c"}
        whole = found if lists else [MARK]
        if lists:
            lists[0][0][lists[0][1]] = [MARK]
        rows = b",".join([json.dumps(row).encode()] * HOOKS)
        body = json.dumps(whole).encode().replace(json.dumps(MARK).encode(), rows)
        return web.Response(body=body, content_type="application/json")

    async def _echo(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return everything the bridge sent, credentials included, as the text of an error."""
        said = {
            "url": str(request.url),
            "headers": dict(request.headers),
            "body": (await request.read()).decode("latin-1"),
        }
        status = self._rng.choice((400, 403, 404, 409, 422, 500))
        words = {"error": json.dumps(said), "error_info": said, "message": str(said)}
        return web.json_response(words, status=status)

    async def _deep(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(body=self._rng.choice([b"[", b'{"data":']) * 100_000, content_type="application/json")

    async def _cut(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000", "Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"success":true,"data":[')
        if request.transport is not None:
            request.transport.abort()
        return response

    async def _drip(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(8):
            await response.write(b" ")
            await asyncio.sleep(0.25)
        return response

    async def _no_json(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = self._rng.choice(
            [b"", b"<html>Maintenance</html>", b"NaN", b"\xff\xfe\x00", b'{"data": [', b"null", b"7"]
        )
        kind = self._rng.choice(("application/json", "text/html", "application/octet-stream"))
        return web.Response(body=body, content_type=kind)

    async def _headers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = self._rng.choice(
            [
                {"X-Long": "x" * 60_000},
                {f"X-{n}": "1" for n in range(2000)},
                {"Set-Cookie": "a=b; Domain=." + "x" * 999},
                {"Content-Encoding": "br"},
                {"Content-Type": "application/json; charset=nonsense"},
            ]
        )
        return web.Response(body=b"{}", headers=headers)

    async def _status(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.json_response({}, status=self._rng.choice((204, 206, 299, 300, 304, 402, 410, 418, 451, 500, 599)))

    async def _streamed(self, request: web.Request, pieces: list[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Return every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value[:50]:
            yield from _objects(inner)
