"""The generated pages say what the code says."""

from pathlib import Path

import pytest

from bridge.cli.pages import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(pages(DOCS)))
def test_the_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages(DOCS)[name], "run `make docs`"
