"""Checks that the public address leads to this bridge, before hooks are registered."""

from urllib.parse import urlsplit

from bridge.connectors.protocols import Failure, HttpRequest, Transport, TransportFailed
from bridge.domain.address import Addresses

TIMEOUT_SECONDS = 10.0
KINDS = {
    Failure.NAME: "DNS: the name does not resolve",
    Failure.TLS: "TLS: the certificate is not accepted",
    Failure.REFUSED: "nothing listens there",
    Failure.TIME: "no answer in time: check firewall and proxy",
    Failure.OTHER: "network",
}


async def public_url_problem(transport: Transport, addresses: Addresses, url: str, challenge: str) -> str | None:
    """Return None if a GET on a callback URL returns the bridge's keyed echo; else what is wrong and where to look."""
    host = urlsplit(url).netloc
    request = HttpRequest("GET", url, query=(("challenge", challenge),), timeout_seconds=TIMEOUT_SECONDS)
    try:
        response = await transport.send(request)
    except TransportFailed as error:
        return f"{host} cannot be reached from here ({KINDS[error.failure]}): {error}"
    if 300 <= response.status < 400:
        return f"{host} answers with a redirect ({response.status}), which vendors do not follow: correct `public_url`"
    if response.status == 200 and response.body.decode(errors="replace").strip() == addresses.echo(challenge):
        return None
    if response.status in (502, 503, 504):
        return f"the proxy at {host} answers {response.status}: it does not reach the bridge's callback port"
    if response.status == 200:
        return f"{host} answers, but it is not this bridge: `public_url` or the proxy leads to another server"
    return f"{host} answers {response.status} for a callback address: the proxy must forward /hooks/ unchanged"
