"""The page where a person consents, without the person: it redirects the browser back immediately, with a code."""

from urllib.parse import urlencode

from aiohttp import web

from bridge.simulators.lifetimes import add_life
from bridge.simulators.world import World


class ConsentPage:
    """`life_seconds`: how long a code is valid. A code is valid once, for the redirect address it was made for."""

    def __init__(self, world: World, client_id: str, life_seconds: float) -> None:
        self._world, self._client_id, self._life = world, client_id, life_seconds
        self._codes: dict[str, float] = {}

    async def show(self, request: web.Request) -> web.Response:
        """Answer GET with client_id, redirect_uri and state."""
        asked = request.query
        if asked.get("client_id") != self._client_id or not asked.get("redirect_uri"):
            return web.Response(status=400, text="unknown app, or no redirect address")
        code, now = self._world.rng.randbytes(20).hex(), self._world.clock.now()
        add_life(self._codes, f"{code} {asked['redirect_uri']}", now + self._life, now)
        said = urlencode({"code": code, "state": asked.get("state", "")})
        return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{said}"})

    def take(self, code: str, redirect: str) -> bool:
        """Whether the code is valid. Taking it makes it invalid."""
        return self._codes.pop(f"{code} {redirect}", 0.0) > self._world.clock.now()
