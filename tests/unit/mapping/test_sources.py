"""Shared field rules, value tables and tests in separate files."""

from pathlib import Path

import pytest

from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.load import load_mappings, load_text
from bridge.mapping.translate import read

from .files import HEAD, NAME

INCLUDING = HEAD.replace("fields:\n", "include: [address.rows.yaml]\nfields:\n")
ADDRESS = "fields:\n  city: {crm: address.city, erp: city}\n"


def loaded(text: str, **files: str) -> tuple[str, ...]:
    named = {name.replace("_", ".") + ".yaml": content for name, content in files.items()}
    (mapping,) = load_text(text, "m.yaml", files=named)
    return tuple(row.name for row in mapping.fields)


def problem_of(text: str, **files: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(text, **files)
    (problem,) = caught.value.problems
    return str(problem)


def test_shared_rules_come_before_a_mappings_own_rules() -> None:
    assert loaded(INCLUDING + NAME, address_rows=ADDRESS) == ("city", "name")
    assert loaded(INCLUDING.replace("fields:\n", ""), address_rows=ADDRESS) == ("city",)


def test_shared_rules_may_include_other_files() -> None:
    both = "include: [land.rows.yaml]\n" + ADDRESS
    land = "fields:\n  land: {crm: country, erp: country, type: country}\n"
    assert loaded(INCLUDING + NAME, address_rows=both, land_rows=land) == ("land", "city", "name")


def test_a_change_of_shared_rules_changes_every_mapping_that_includes_them() -> None:
    (before,) = load_text(INCLUDING + NAME, "m.yaml", files={"address.rows.yaml": ADDRESS})
    (after,) = load_text(
        INCLUDING + NAME, "m.yaml", files={"address.rows.yaml": ADDRESS.replace("erp: city", "erp: town")}
    )
    assert before.fingerprint != after.fingerprint


TABLED = HEAD + "  size: {crm: a, erp: b, table: sizes.table.yaml}\n"


def test_a_value_table_may_be_a_separate_file() -> None:
    (mapping,) = load_text(TABLED, "m.yaml", files={"sizes.table.yaml": "A: Large\nB: Small\n"})
    assert read(mapping, Side.LEFT, {"a": "B"}).values == {"size": "Small"}
    (other,) = load_text(TABLED, "m.yaml", files={"sizes.table.yaml": "A: Large\nB: Tiny\n"})
    assert mapping.fields[0].fingerprint != other.fields[0].fingerprint
    (inline,) = load_text(TABLED.replace("sizes.table.yaml", "{A: Large, B: Small}"), "m.yaml")
    assert mapping.fingerprint == inline.fingerprint


def test_a_problem_of_a_shared_rule_names_the_file_of_the_rule() -> None:
    assert problem_of(INCLUDING + NAME, address_rows=ADDRESS.replace("erp: city", "erp: city, typ: text")).startswith(
        "address.rows.yaml:2:40: unknown `typ` in field rule city - did you mean `type`?"
    )


def test_files_that_cannot_be_combined_are_reported_once() -> None:
    ring = "include: [b.rows.yaml]\n" + ADDRESS
    back = "include: [address.rows.yaml]\nfields: {}\n"
    assert problem_of(INCLUDING + NAME, address_rows=ring, b_rows=back) == (
        "b.rows.yaml:1:11: files include each other in a circle: address.rows.yaml -> b.rows.yaml -> address.rows.yaml"
        " - remove one `include`"
    )
    assert problem_of(INCLUDING + NAME, adress_rows=ADDRESS) == (
        "m.yaml:5:11: there is no file address.rows.yaml - did you mean `adress.rows.yaml`?"
    )
    assert problem_of(INCLUDING + "  city: {crm: a, erp: b}\n", address_rows=ADDRESS) == (
        "m.yaml:7:3: field rule `city` is written twice: it is also at address.rows.yaml:2:3"
        " - rename one of them, or do not include it"
    )
    assert problem_of(INCLUDING + NAME, address_rows="mapping: x\n").startswith(
        "address.rows.yaml:1:1: address.rows.yaml contains other keys than `fields`"
    )
    assert problem_of(TABLED.replace(".table.yaml", ".csv")).startswith(
        "m.yaml:6:33: `table: sizes.csv` of field rule size is neither a table nor a file of one"
    )
    assert problem_of(TABLED, sizes_table="- A\n").startswith(
        "sizes.table.yaml:1:1: sizes.table.yaml is not a table of"
    )
    assert problem_of(TABLED, sizes_table="").startswith("sizes.table.yaml:1:1: sizes.table.yaml is empty")


def test_tests_may_be_a_file_beside_their_mapping(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(HEAD + NAME)
    (tmp_path / "people.test.yaml").write_text("mapping: people\ntests:\n  - {crm: {name: A}, erp: {name: A}}\n")
    (mapping,) = load_mappings(tmp_path)
    assert [str(example.place) for example in mapping.examples] == ["people.test.yaml:3:5"]
    (tmp_path / "people.test.yaml").write_text("mapping: poeple\ntests: []\n")
    with pytest.raises(
        ConfigError, match=r"people\.test\.yaml:1:10: tests for `poeple`, which is not a mapping - did you"
    ):
        load_mappings(tmp_path)


def test_parts_in_a_folder_are_no_mappings(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(INCLUDING.replace("address.rows", "shared/address.rows") + NAME)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "address.rows.yaml").write_text(ADDRESS)
    (tmp_path / "shared" / "unused.table.yaml").write_text("A: B\n")
    (mapping,) = load_mappings(tmp_path)
    assert [row.name for row in mapping.fields] == ["city", "name"]
