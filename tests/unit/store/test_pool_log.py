"""What the log shows of PostgreSQL's pool."""

import asyncio
import logging

import pytest
from sqlalchemy.engine import make_url

from bridge.store.postgres import Postgres


@pytest.mark.parametrize(("error", "shown"), [(asyncio.CancelledError, 0), (OSError, 1)])
def test_a_close_that_was_cancelled_is_no_error_and_one_that_failed_is(
    error: type[BaseException], shown: int, caplog: pytest.LogCaptureFixture
) -> None:
    pool = Postgres(make_url("postgresql://bridge@localhost/none")).engine.pool
    with caplog.at_level(logging.ERROR):
        try:
            raise error
        except BaseException:
            pool.logger.error("Exception closing connection", exc_info=True)
    assert len(caplog.records) == shown
