"""The generated pages agree with the code."""

from pathlib import Path

import pytest

from bridge.cli.pages import pages, schema_text

DOCS = Path(__file__).parents[2] / "docs"
MAPPINGS = Path(__file__).parents[2] / "mappings"


def test_the_generated_pages_are_current() -> None:
    made = pages(DOCS)
    assert len(made) > 5
    assert [name for name, text in made.items() if (DOCS / name).read_text(encoding="utf-8") != text] == [], (
        "run `make docs`"
    )


def test_the_schema_beside_the_shipped_mappings_is_current() -> None:
    assert (MAPPINGS / "mapping.schema.json").read_text(encoding="utf-8") == schema_text(), "run `make docs`"


@pytest.mark.parametrize("file", sorted(MAPPINGS.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_shipped_mapping_names_its_schema(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../mapping.schema.json\n")
