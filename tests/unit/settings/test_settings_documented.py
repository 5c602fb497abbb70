"""The example file and docs/settings.md name every setting."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bridge.connectors.registry import OPTIONS
from bridge.settings.describe import describe, keys
from bridge.settings.load import load_settings, validate_options
from bridge.settings.model import Settings

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config" / "bridge.yaml"
ENVIRON = {
    "INSTANCE_SECRET": "0" * 32,
    "PIPEDRIVE_API_TOKEN": "token",
    "DESKERA_CLIENT_ID": "cl_pub_1",
    "DESKERA_CLIENT_SECRET": "cl_priv_1",
}


def test_the_example_loads_once_its_secrets_are_given(tmp_path: Path) -> None:
    copy = tmp_path / "bridge.yaml"
    copy.write_text(EXAMPLE.read_text())
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "deskera-refresh-token").write_text("refresh-1\n")
    settings = load_settings(copy, ENVIRON)
    assert set(validate_options(settings, OPTIONS)) == {"crm1", "erp1"}
    assert load_settings(copy, ENVIRON).mappings_dir.parts[-1] == "pipedrive-deskera"


def test_the_example_names_every_setting_with_its_default() -> None:
    tree = YAML(typ="safe").load(EXAMPLE.read_text())
    for key, default, _ in keys("", Settings):
        node: Any = tree
        for step in key.partition("[]")[0].split("."):
            if step == "NAME":
                node = next(iter(node.values()), None)  # the first entry shows every key
            elif node is not None:
                assert step in node, f"{key} is not in the example"
                node = node[step]
        listed = "[]" in key  # keys of each entry of a list; the example has no entry
        if node is not None and not listed and default.startswith("`") and key not in ("store.url", "mappings_dir"):
            shown = str(node).lower() if isinstance(node, bool) else str(node)
            assert float(shown) == float(default.strip("`")) if shown.isdigit() else shown == default.strip("`"), key


def test_every_setting_and_option_says_what_it_is() -> None:
    rows = keys("", Settings) + [row for model in OPTIONS.values() for row in keys("", model)]
    assert [key for key, _, text in rows if not text] == []


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == describe(OPTIONS), (
        "docs/settings.md is not current: run `make docs`"
    )
