"""A small settings file that loads; each test breaks one part of it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from bridge.domain.errors import ConfigError, Problem
from bridge.settings.load import load_settings
from bridge.settings.model import Settings

ENVIRON = {"SECRET": "0123456789abcdef", "TOKEN": "tok-4711"}
GOOD = """\
instance: test
instance_secret: {env: SECRET}
public_url: https://bridge.example.com
systems:
  crm1:
    connector: pipedrive
    options: {api_token: {env: TOKEN}}
  erp-2:
    connector: deskera
    options: {}
sides: {crm: crm1, erp: erp-2}
"""

Write = Callable[[str], Path]
ProblemsOf = Callable[..., list[Problem]]
Load = Callable[..., Settings]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.yaml"


@pytest.fixture
def load(path: Path) -> Load:
    """Load settings from a text and, on top of the variables it names, a few more."""

    def load(text: str = GOOD, environ: Mapping[str, str] | None = None) -> Settings:
        path.write_text(dedent(text), encoding="utf-8")
        return load_settings(path, {**ENVIRON, **(environ or {})})

    return load


@pytest.fixture
def problems_of(load: Load) -> ProblemsOf:
    """Return the problems of a text that does not load."""

    def problems_of(text: str = GOOD, environ: Mapping[str, str] | None = None) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            load(text, environ)
        return caught.value.problems

    return problems_of
