"""The one way this process talks HTTP."""

import aiohttp

KEEPALIVE_SECONDS = 10.0
CONNECTIONS = 100


def http_session(connections: int = CONNECTIONS) -> aiohttp.ClientSession:
    """No cookies: two accounts at one host must not meet. Must be made inside a running event loop."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEPALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
