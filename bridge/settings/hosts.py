"""Brings hosts from settings and from requests into one form, so that they can be compared."""

import re
from ipaddress import IPv6Address, ip_address

_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::[0-9]{0,5})?")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a listener on this host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def plain_host(text: str) -> str | None:
    """Return a name in lower case without its last dot, or an address as Python writes it; None if the text is neither.

    An IPv6 address may be in brackets. If it only contains an IPv4 address, that address is returned. Addresses with a
    zone are not accepted.
    """
    bracketed = text.startswith("[") and text.endswith("]")
    bare = text[1:-1] if bracketed else text
    try:
        address = ip_address(bare)
    except ValueError:
        return bare.lower().removesuffix(".") if not bracketed and _NAME.fullmatch(bare) else None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return str(address.ipv4_mapped or address)
    return None if bracketed else str(address)


def host_of(authority: str) -> str | None:
    """Return the host of `host[:port]` in the form of `plain_host`; None if it is not valid."""
    match = _AUTHORITY.fullmatch(authority)
    return plain_host(match.group(1)) if match is not None else None
