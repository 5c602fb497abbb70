import pytest

from bridge.store import Store
from tests.conformance.store.builders import SCOPES, Desk


@pytest.fixture
async def desk(store: Store) -> Desk:
    await store.mappings.sync(SCOPES)
    return Desk(store)
