"""Statements that the driver runs directly: what they may contain, and which errors they raise."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, bindparam, create_engine, insert, select
from sqlalchemy.exc import IntegrityError

from bridge.store.statements import Prepared, listed
from bridge.store.tables import intent_keys

ROW = {"mapping": "people", "hash": "a", "link": 1}


@pytest.fixture
def conn() -> Iterator[Connection]:
    with create_engine("sqlite://").begin() as conn:
        intent_keys.create(conn)
        yield conn


def test_a_row_is_found_by_any_number_of_numbers(conn: Connection) -> None:
    Prepared(insert(intent_keys)).run_many(conn, [ROW, {**ROW, "hash": "b", "link": 2}])
    found = Prepared(select(intent_keys).where(listed(intent_keys.c.link, "links")).order_by(intent_keys.c.hash))
    assert found.mappings(conn, {"links": [1]}) == [ROW]
    assert [row[1] for row in found.rows(conn, {"links": [1, 2, 3]})] == ["a", "b"]
    assert found.one(conn, {"links": []}) is None


def test_a_statement_whose_text_changes_with_each_list_is_refused(conn: Connection) -> None:
    anew = Prepared(select(intent_keys).where(intent_keys.c.link.in_(bindparam("links", expanding=True))))
    with pytest.raises(ValueError, match="see `listed`"):
        anew.rows(conn, {"links": [1]})


def test_a_row_that_exists_already_raises_the_usual_error(conn: Connection) -> None:
    once = Prepared(insert(intent_keys))
    once.run(conn, ROW)
    with pytest.raises(IntegrityError):
        once.run(conn, ROW)
