"""The literal table of products. To add a product, add its folder, and one line here.

A product is imported when it is first used, because a bridge between two products does not need the others.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from bridge.connectors.product import ConnectorType
from bridge.domain.late import late

T = TypeVar("T")

PLACES: Mapping[str, tuple[str, str]] = {
    "bottlecrm": ("bridge.connectors.bottlecrm", "BOTTLECRM"),
    "deskera": ("bridge.connectors.deskera", "DESKERA"),
    "entrust": ("bridge.connectors.entrust", "ENTRUST"),
    "pipedrive": ("bridge.connectors.pipedrive", "PIPEDRIVE"),
    "superoffice": ("bridge.connectors.superoffice", "SUPEROFFICE"),
    "tryton": ("bridge.connectors.tryton", "TRYTON"),
}


class Products(Mapping[str, T]):
    """One value of every product, by the product's name."""

    def __init__(self, take: Callable[[ConnectorType], T]) -> None:
        self._take = take

    def __getitem__(self, name: str) -> T:
        product: Any = late(*PLACES[name])
        return self._take(product)

    def __contains__(self, name: object) -> bool:
        return name in PLACES

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


CONNECTORS: Mapping[str, ConnectorType] = Products(lambda product: product)
MANIFESTS = Products(lambda product: product.manifest)
OPTIONS = Products(lambda product: product.options)
