"""Loading mapping files: what they compile to, and what changes a fingerprint."""

from pathlib import Path

import pytest

from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.load import load_mappings, load_text
from bridge.mapping.model import Conflict, DeletePolicy, Duplicates, Mapping, Policy

from .files import HEAD, NAME, head, mapping_of


def test_every_yaml_file_below_the_folder_is_read_except_tests(tmp_path: Path) -> None:
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "a.yaml").write_text(HEAD + NAME)
    (tmp_path / "pair" / "a.test.yaml").write_text("mapping: people\ntests: []\n")
    (tmp_path / "b.yaml").write_text(
        (HEAD + NAME).replace("people", "b") + "---\n" + (HEAD + NAME).replace("people", "c")
    )
    (tmp_path / "notes.txt").write_text("{")
    assert [mapping.name for mapping in load_mappings(tmp_path)] == ["b", "c", "people"]


def test_hidden_folders_are_not_read_because_kubernetes_keeps_states_of_a_configmap_there(tmp_path: Path) -> None:
    (tmp_path / "..2026_01_05").mkdir()
    (tmp_path / "..2026_01_05" / "people.yaml").write_text(HEAD + NAME)
    (tmp_path / "..data").symlink_to("..2026_01_05")
    (tmp_path / "people.yaml").symlink_to("..data/people.yaml")
    assert [mapping.name for mapping in load_mappings(tmp_path)] == ["people"]


def test_problems_of_several_files_are_reported_together_and_name_their_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- x")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError) as caught:
        load_mappings(tmp_path)
    assert [problem.where for problem in caught.value.problems] == ["a.yaml:1:1", "b.yaml"]
    with pytest.raises(ConfigError, match="there is no such folder"):
        load_mappings(tmp_path / "none")


def test_links_may_name_mappings_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + NAME + "  firm: {crm: f, erp: g, link: firms}\n")
    (tmp_path / "b.yaml").write_text((HEAD + NAME).replace("people", "firms"))
    assert [mapping.name for mapping in load_mappings(tmp_path)] == ["people", "firms"]


def test_defaults_are_the_careful_choices() -> None:
    mapping = mapping_of(NAME)
    assert mapping.writes == mapping.creates == frozenset(Side)
    assert mapping.deleted == dict.fromkeys(Side, DeletePolicy.UNLINK)
    assert (mapping.delete_conflict, mapping.match, mapping.marker) == ("keep", (), {})
    assert mapping.duplicates is Duplicates.HOLD
    row = mapping.fields[0]
    assert (row.type, row.missing, row.absent, row.required, row.link) == ("text", "wait", "clear", False, None)
    assert row.policy == Policy(Conflict.SIDE, Side.LEFT)
    assert (row.column_names(Side.LEFT), mapping.right.name) == (("name",), "erp")


def test_a_one_way_mapping_writes_its_target_only() -> None:
    (mapping,) = load_text(head(direction="erp -> crm", conflict="", marker="{crm: custom.ID}") + NAME, "m.yaml")
    assert mapping.writes == mapping.creates == mapping.fields[0].flows == frozenset({Side.LEFT})
    assert mapping.fields[0].policy is None
    assert mapping.marker == {Side.LEFT: "custom.ID"}


def test_norway_stays_norway_and_007_stays_007() -> None:
    (mapping,) = load_text(
        head(where="{crm: {land: NO}}") + "  f: {crm: a, erp: b, table: {NO: 007, on: 1.0}}\n", "m.yaml"
    )
    assert str(mapping.left.where) == "land NO"
    assert mapping.fields[0].table == {"NO": "007", "on": "1.0"}


BASE = "  f: {crm: a, erp: b, table: {A: x}}\n"


def row(words: str) -> Mapping:
    return mapping_of(f"  f: {{crm: a, erp: b{words}}}\n")


@pytest.mark.parametrize(
    ("words", "meaning", "columns"),
    [
        (", required: true", False, False),
        (", conflict: erp", False, False),
        (", absent: keep", False, False),
        (", note: hello", False, False),
        (", type: integer", True, False),
        (", table: {A: x}", True, False),
    ],
)
def test_a_rules_fingerprint_follows_the_meaning_of_its_values(words: str, meaning: bool, columns: bool) -> None:
    before, after = row("").fields[0], row(words).fields[0]
    assert (before.fingerprint != after.fingerprint) is meaning
    assert (before.columns_fingerprint != after.columns_fingerprint) is columns
    assert row("").fingerprint != row(words).fingerprint


def test_other_columns_are_another_rule() -> None:
    before, after = row("").fields[0], mapping_of("  f: {crm: a, erp: c}\n").fields[0]
    assert before.columns_fingerprint != after.columns_fingerprint
    assert before.fingerprint != after.fingerprint


def test_comments_order_and_examples_change_no_fingerprint() -> None:
    plain = mapping_of("  f: {crm: a, erp: b}\n")
    dressed = mapping_of("  f: {erp: b, crm: a}  # the same\ntests:\n  - {crm: {a: 1}, erp: {b: 1}}\n")
    assert plain.fingerprint == dressed.fingerprint


def test_the_match_fingerprint_follows_match_and_its_fields_only() -> None:
    def match(rows: str) -> str:
        return load_text(head(match="[name]") + NAME + rows, "m.yaml")[0].match_fingerprint

    assert match("") == match("  f: {crm: a, erp: b}\n")
    assert match("") != load_text(head(match="[name]") + "  name: {crm: x, erp: name}\n", "m.yaml")[0].match_fingerprint
