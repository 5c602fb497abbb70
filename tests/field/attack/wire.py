"""The vendors' own callbacks: sent on, and kept as templates of forgeries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.simulators.world import HttpDelivery


@dataclass(frozen=True)
class Delivery:
    """A real callback. `product`: the product whose rules sign it."""

    system: str
    product: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Wire:
    """Sends callbacks and keeps the last one of each system. `products`: by system."""

    products: Mapping[str, str]
    inner: HttpDelivery = field(default_factory=HttpDelivery)
    kept: dict[str, Delivery] = field(default_factory=dict)

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int:
        system = url.split("/hooks/")[-1].split("/")[0]
        status = await self.inner(method, url, headers, body, timeout)
        if body and status < 300:
            self.kept[system] = Delivery(system, self.products[system], url, dict(headers), body)
        return status
