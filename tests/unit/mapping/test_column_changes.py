"""How an account's columns differ from the accepted ones, and what a difference means for a mapping."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.record import Side
from bridge.mapping.column_changes import Level, What, changes, concerns, dumped, loaded, names_used
from bridge.mapping.load import load_text

from .files import HEAD, NAME

TEXT = ColumnSpec(Column.TEXT)
GRADE = ColumnSpec(Column.CHOICE, choices=("A", "B", "C"))
SPECS = st.builds(
    ColumnSpec,
    st.sampled_from(Column),
    writable=st.booleans(),
    required=st.booleans(),
    max_length=st.none() | st.integers(1, 500),
    choices=st.lists(st.sampled_from("ABCDE"), unique=True).map(tuple),
    to=st.none() | st.just("person"),
    parts=st.just(()) | st.just(("city", "street")),
)
COLUMNS = st.dictionaries(st.sampled_from(["custom.One", "custom.Two", "stage", "name"]), SPECS)


@pytest.mark.parametrize(
    ("was", "now", "what", "text"),
    [
        (TEXT, None, What.GONE, "is gone"),
        (None, TEXT, What.NEW, "is new (text)"),
        (TEXT, ColumnSpec(Column.DATE), What.TYPE, "holds date now; it held text"),
        (TEXT, replace(TEXT, required=True), What.REQUIRED, "is required now"),
        (replace(TEXT, required=True), TEXT, What.EASED, "is not required any more"),
        (TEXT, replace(TEXT, writable=False), What.READ_ONLY, "is read-only now"),
        (replace(TEXT, writable=False), TEXT, What.EASED, "can be written now"),
        (
            replace(TEXT, max_length=80),
            replace(TEXT, max_length=40),
            What.SHORTER,
            "takes 40 characters now; it took 80",
        ),
        (TEXT, replace(TEXT, max_length=40), What.SHORTER, "takes 40 characters now"),
        (replace(TEXT, max_length=4), replace(TEXT, max_length=9), What.EASED, "takes 9 characters now; it took 4"),
        (GRADE, replace(GRADE, choices=("A",)), What.OPTIONS_GONE, "does not offer `B`, `C` any more"),
        (GRADE, replace(GRADE, choices=("A", "B", "C", "D")), What.OPTIONS_NEW, "offers `D` now"),
        (GRADE, replace(GRADE, choices=("A", "B", "Z")), What.OPTIONS_GONE, "offers `Z` in place of `C`"),
    ],
)
def test_each_difference_has_its_sentence(was: ColumnSpec, now: ColumnSpec, what: What, text: str) -> None:
    before, after = ({"custom.X": spec} if spec is not None else {} for spec in (was, now))
    assert [(one.what, one.text) for one in changes(before, after, {})] == [(what, text)]


def test_a_new_required_column_is_reported_as_new_and_as_required() -> None:
    found = changes({}, {"custom.X": replace(TEXT, required=True)}, {})
    assert [one.what for one in found] == [What.NEW, What.REQUIRED]


def test_a_fixed_column_that_the_account_no_longer_narrows_is_not_gone() -> None:
    assert changes({"stage": GRADE}, {}, {"stage": TEXT}) == []


@given(COLUMNS)
def test_equal_columns_are_no_change_and_json_keeps_every_column(columns: dict[str, ColumnSpec]) -> None:
    assert changes(columns, columns, {}) == []
    assert loaded(json.loads(json.dumps(dumped(columns)))) == columns


@given(COLUMNS, COLUMNS)
def test_every_difference_is_reported_and_concerns_no_mapping_when_there_is_none(
    before: dict[str, ColumnSpec], after: dict[str, ColumnSpec]
) -> None:
    found = changes(before, after, {})
    assert {one.column for one in found} <= before.keys() | after.keys()
    assert set(before.keys() ^ after.keys()) <= {one.column for one in found}
    assert {one.level for one in concerns(found, [])} <= {Level.INFO}


def level(row: str, was: ColumnSpec | None, now: ColumnSpec | None, column: str = "custom.X") -> Level:
    """Return what a change of a column on side crm means for a mapping with this field rule."""
    mapping = load_text(f"{HEAD}{NAME}  f: {row}\n", "m.yaml")[0]
    before, after = ({column: spec} if spec is not None else {} for spec in (was, now))
    return min(
        (one.level for one in concerns(changes(before, after, {}), [(mapping, Side.LEFT)])), key=list(Level).index
    )


OTHER = "{crm: title, erp: city}"
USED = "{crm: custom.X, erp: city}"
READ = "{crm: custom.X, erp: city, from: crm}"
TABLE = "{crm: custom.X, erp: city, table: {A: x, B: y}}"


@pytest.mark.parametrize(
    ("row", "was", "now", "expected"),
    [
        (USED, TEXT, None, Level.FAIL),
        (READ, TEXT, None, Level.FAIL),
        (OTHER, TEXT, None, Level.INFO),
        (USED, TEXT, ColumnSpec(Column.DATE), Level.FAIL),
        (USED, TEXT, replace(TEXT, writable=False), Level.FAIL),
        (READ, TEXT, replace(TEXT, writable=False), Level.INFO),
        (OTHER, TEXT, replace(TEXT, required=True), Level.FAIL),
        (USED, TEXT, replace(TEXT, required=True), Level.WARN),
        ("{crm: custom.X, erp: city, required: true}", TEXT, replace(TEXT, required=True), Level.INFO),
        (OTHER, None, replace(TEXT, required=True), Level.FAIL),
        (OTHER, None, TEXT, Level.INFO),
        (USED, replace(TEXT, max_length=80), replace(TEXT, max_length=40), Level.WARN),
        (READ, replace(TEXT, max_length=80), replace(TEXT, max_length=40), Level.INFO),
        (TABLE, GRADE, replace(GRADE, choices=("A", "C")), Level.WARN),
        (TABLE, GRADE, replace(GRADE, choices=("A", "B")), Level.INFO),
        (USED, GRADE, replace(GRADE, choices=("A", "B")), Level.WARN),
        (READ, GRADE, replace(GRADE, choices=("A", "B")), Level.INFO),
        (TABLE, GRADE, replace(GRADE, choices=("A", "B", "C", "D")), Level.INFO),
    ],
)
def test_the_severity_of_a_change_follows_the_mappings_use_of_the_column(
    row: str, was: ColumnSpec | None, now: ColumnSpec | None, expected: Level
) -> None:
    assert level(row, was, now) is expected


def test_the_names_a_mapping_uses_are_custom_fields_and_the_words_of_its_tables() -> None:
    mapping = load_text(f"{HEAD}{NAME}  f: {TABLE}\n", "m.yaml")[0]
    assert {"X", "A", "B"} <= names_used(mapping, Side.LEFT)
    assert "C" not in names_used(mapping, Side.LEFT)
