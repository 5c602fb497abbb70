"""Shared fixtures of the connectors' unit tests; `http_fakes` has the parts."""

import pytest
from http_fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
