"""The generated pages say what the code says."""

from pathlib import Path

import pytest

from bridge.cli.pages import pages, schema_text

DOCS = Path(__file__).parents[2] / "docs"
MAPPINGS = Path(__file__).parents[2] / "mappings"


@pytest.mark.parametrize("name", sorted(pages(DOCS)))
def test_the_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages(DOCS)[name], "run `make docs`"


def test_the_schema_beside_the_shipped_mappings_is_current() -> None:
    assert (MAPPINGS / "mapping.schema.json").read_text(encoding="utf-8") == schema_text(), "run `make docs`"


@pytest.mark.parametrize("file", sorted(MAPPINGS.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_shipped_mapping_names_its_schema(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../mapping.schema.json\n")
