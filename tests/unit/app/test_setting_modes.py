"""`bridge mode` writes one word into a settings file and leaves the rest unchanged."""

from pathlib import Path

import pytest

from bridge.app.folder import moded_settings
from bridge.domain.errors import ConfigError
from bridge.settings.parts import mapping_modes

HEAD = "instance: x   # mine\ndefault_mode: shadow\n"
TAIL = "# the end\nlog: {level: info}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "\nmappings:\n  people: {mode: live}\n"),
        ("mappings: {}   # one by one\n", "mappings: {people: {mode: live}}   # one by one\n"),
        ("mappings:\n", "mappings:\n  people: {mode: live}\n"),
        ("mappings:   # none yet\n", "mappings:   # none yet\n  people: {mode: live}\n"),
        (
            "mappings:\n    deals:\n        mode: live\n",
            "mappings:\n    people: {mode: live}\n    deals:\n        mode: live\n",
        ),
        ("mappings: {deals: {mode: live}}\n", "mappings: {people: {mode: live}, deals: {mode: live}}\n"),
        ("mappings:\n  people: {mode: shadow}  # not yet\n", "mappings:\n  people: {mode: live}  # not yet\n"),
        ("mappings:\n  people:\n    mode: 'shadow'\n", "mappings:\n  people:\n    mode: live\n"),
        ("mappings:\n  people:\n    mode: live\n", "mappings:\n  people:\n    mode: live\n"),
    ],
)
def test_only_the_mode_changes_in_any_layout_of_the_file(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "bridge.yaml"
    text = f"{HEAD}{before}{TAIL}"
    file.write_text(text)
    written = moded_settings(file, "people", "live")
    assert written == (f"{HEAD}{after}{TAIL}" if before else f"{HEAD}{TAIL}{after}")
    file.write_text(written)
    default, modes = mapping_modes(file, {})
    assert (default, modes["people"]) == ("shadow", "live")
    assert moded_settings(file, "people", "live") == written


def test_a_mode_that_cannot_be_changed_and_a_wrong_mode_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_text("mappings: [people]\n")
    with pytest.raises(ConfigError) as raised:
        moded_settings(file, "people", "live")
    assert "write people: {mode: live} there by hand" in str(raised.value.problems[0])
    file.write_text("default_mode: lively\nmappings: {people: {mode: on}, deals: live}\n")
    with pytest.raises(ConfigError) as raised:
        mapping_modes(file, {})
    assert [problem.where.partition(": ")[2] for problem in raised.value.problems] == [
        "default_mode",
        "mappings.deals.mode",
        "mappings.people.mode",
    ]


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_text("mappings: {people: {mode: live}}\n")
    assert mapping_modes(file, {"BRIDGE_MAPPINGS__PEOPLE__MODE": "shadow"})[1] == {"people": "shadow"}
