"""Runs the suite once per product, and its entity tests once per entity. A new product is one line in PRODUCTS."""

from collections.abc import AsyncIterator

import pytest
from bottlecrm_connector import BottleCrm
from connector_harness import Bench, Product
from deskera_connector import Deskera
from entrust_connector import Entrust
from pipedrive_connector import Pipedrive
from superoffice_connector import SuperOffice
from tryton_connector import Tryton

PRODUCTS: list[Product] = [Pipedrive(), Deskera(), SuperOffice(), Entrust(), Tryton(), BottleCrm()]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "entity" in metafunc.fixturenames:
        cases = [(product, entity) for product in PRODUCTS for entity in product.samples]
        names = [f"{product.name}-{entity}" for product, entity in cases]
        metafunc.parametrize(("product", "entity"), cases, ids=names)
    elif "product" in metafunc.fixturenames:
        metafunc.parametrize("product", PRODUCTS, ids=[product.name for product in PRODUCTS])


@pytest.fixture
async def bench(product: Product, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    running = Bench(product)
    await running.start()
    if "entity" in request.fixturenames:
        product.samples[request.getfixturevalue("entity")].prepare(running.simulator)
    yield running
    await running.stop()
