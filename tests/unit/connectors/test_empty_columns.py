"""Empty text and null in a product's answer are an empty column, whatever the column's type; never an unread one."""

from typing import Any

import pytest

from bridge.connectors.deskera import values as deskera
from bridge.connectors.pipedrive import values as pipedrive
from bridge.connectors.superoffice import values as superoffice
from bridge.domain.catalog import Column

PLAIN = sorted({Column.INTEGER, Column.DECIMAL, Column.BOOLEAN, Column.DATE, Column.INSTANT})


@pytest.mark.parametrize("column", PLAIN)
@pytest.mark.parametrize("raw", [None, "", " ", "\u00a0"])
def test_an_empty_value_of_pipedrive_and_superoffice_is_none(column: Column, raw: Any) -> None:
    assert pipedrive.nullable(pipedrive.READERS[column], raw) is None
    assert superoffice.read(column, raw) is None


@pytest.mark.parametrize("raw", [None, "", " "])
@pytest.mark.parametrize("read", [deskera.amount, deskera.instant, deskera.reference])
def test_an_empty_value_of_deskera_is_none(read: Any, raw: Any) -> None:
    assert read(raw) is None


@pytest.mark.parametrize("raw", ["", " "])
def test_text_is_shown_as_it_is_and_the_mapping_decides(raw: str) -> None:
    assert pipedrive.nullable(pipedrive.READERS[Column.TEXT], raw) == raw


def test_an_empty_object_of_pipedrive_reads_its_parts_as_empty() -> None:
    read = pipedrive.read_object("monetary")
    assert read({"value": "", "currency": "EUR"}) == {"value": None, "currency": "EUR"}
