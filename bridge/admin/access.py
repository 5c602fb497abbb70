"""The host names under which the admin listener answers."""

from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.settings.hosts import host_of, is_loopback, plain_host

NOT_OURS = (
    "this listener does not answer to that host name: use an address it is bound to, or add the name to admin.hosts\n"
)
WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - listed to be excluded, not bound


def known_names_only(hosts: Collection[str]) -> Middleware:
    """Return a middleware that answers only under known host names, so that a page in a browser cannot reach this
    listener under a name of its own (DNS rebinding).

    Accepted are `hosts`, the local address of the connection and, if that address is loopback, every loopback name.
    Ports are not compared, because a container or a tunnel may show another port. A request without Host is rejected
    like one with an unknown host.
    """
    named = {plain for host in hosts if (plain := plain_host(host)) is not None and plain not in WILDCARDS}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        local = _local(request)
        for authority in _authorities(request):
            host = host_of(authority)
            if host is None or not (host in named or host == local or (is_loopback(local) and is_loopback(host))):
                return web.Response(status=421, text=NOT_OURS)
        return await handler(request)

    return check


def _authorities(request: web.Request) -> list[str]:
    """Return every host that the request names: its Host headers, and that of its target if the target is a whole
    URL."""
    named = request.headers.getall("Host", [""])
    target = request.raw_path
    if target.startswith(("/", "*")):
        return named
    try:
        return [*named, urlsplit(target).netloc]
    except ValueError:
        return [""]


def _local(request: web.Request) -> str:
    """Return the local address of this connection; "" if the connection is closed."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return (plain_host(str(name[0])) or "") if isinstance(name, tuple) else ""
