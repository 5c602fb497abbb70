"""Shared by the connectors' unit tests; see http_fakes for the parts."""

import pytest
from http_fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
