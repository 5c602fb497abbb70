"""The schema for editors: every shipped mapping passes it, and everything it refuses is wrong."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bridge.connectors.registry import CONNECTORS
from bridge.domain.catalog import Column, ColumnSpec
from bridge.files.document import Problems, plain, read_documents
from bridge.mapping.functions import BUILTIN, Function
from bridge.mapping.json_schema import Half, general_schema, pair_schema
from bridge.mapping.load import is_part, load_text
from bridge.mapping.types.registry import TYPES

from .files import HEAD, NAME, ONE, TWO

SHIPPED = Path(__file__).parents[3] / "mappings"
FILES = sorted(path for path in SHIPPED.rglob("*.yaml") if not is_part(path.name))
GENERAL = Draft202012Validator(general_schema())
PAIR = Draft202012Validator(
    pair_schema(
        Half("crm", "one person", ONE.entities["person"]),
        Half("erp", "two contact", TWO.entities["contact"], {"custom.Nr. (X)": ColumnSpec(Column.TEXT)}),
        {"own": Function("own", str)},
    )
)


def documents(text: str) -> list[Any]:
    """Return the mapping as an editor's YAML 1.2 reader gives it: numbers are numbers."""
    return [_json(plain(node)) for node in read_documents(text, "m.yaml", Problems())]


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def test_the_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(GENERAL.schema)
    Draft202012Validator.check_schema(PAIR.schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_shipped_mapping_passes_the_general_schema_and_its_pairs(path: Path) -> None:
    for document in documents(path.read_text()):
        assert [error.message for error in GENERAL.iter_errors(document)] == []
        halves = []
        for role, side in document["sides"].items():
            product, entity = side.split()
            halves.append(Half(role, side, CONNECTORS[product].manifest.entities[entity]))
        errors = Draft202012Validator(pair_schema(*halves)).iter_errors(document)
        assert [f"{list(error.path)}: {error.message}" for error in errors] == []


GOOD = """\
  city:  {crm: address.city, erp: city, type: text, absent: keep, note: moved often}
  work:  {crm: emails.work, erp: {column: email, via: [trim, {cut: 40}, own]}}
  both:  {crm: {columns: [name, title], via: {join: ', '}}, erp: 'custom."Nr. (X)"'}
  sum:   {crm: {amount: amount}, erp: amount, type: money, currency: EUR}
  day:   {crm: day, erp: {instant: closing}, type: date, zone: Europe/Oslo}
  grade: {crm: custom.Any, erp: name, table: grades.table.yaml, conflict: 'newest, else crm'}
  state: {columns: [crm.status, erp.kind], rows: [[open, person], [any, null]]}
  fixed: {erp: kind, value: person, set: on-create}
"""


def test_everything_the_language_accepts_passes() -> None:
    (document,) = documents(HEAD + GOOD)
    assert [f"{list(error.path)}: {error.message}" for error in PAIR.iter_errors(document)] == []
    text = HEAD + GOOD
    files = {"grades.table.yaml": "A: B\n"}
    assert load_text(text, "m.yaml", {"own": Function("own", str, str)}, files), "the language accepts it as well"


@pytest.mark.parametrize(
    "rows",
    [
        "  f: {crm: titel, erp: name}\n",
        "  f: {crm: title, erp: name, typ: text}\n",
        "  f: {crm: title, erp: name, type: txt}\n",
        "  f: {crm: title, erp: name, from: hr}\n",
        "  f: {crm: title, erp: {column: name, via: trimm}}\n",
        "  f: {crm: title, erp: {number: name}}\n",
        "  f: {crm: title, erp: name, required: perhaps}\n",
        "  f: {columns: [crm.titel, hr.x], rows: []}\n",
        "  f: {erp: kind, value: person, set: often}\n",
    ],
)
def test_the_schema_of_a_pair_refuses_what_check_refuses(rows: str) -> None:
    (document,) = documents(HEAD + NAME + rows)
    assert list(PAIR.iter_errors(document))


@pytest.mark.parametrize(
    ("key", "value"),
    [("drift", "restore"), ("conflict", "newest, maybe"), ("deleted", {"crm": "remove"}), ("matches", "none")],
)
def test_the_general_schema_refuses_unknown_words(key: str, value: Any) -> None:
    (document,) = documents(HEAD + NAME)
    assert not list(GENERAL.iter_errors(document))
    assert list(GENERAL.iter_errors({**document, key: value}))


def test_every_type_option_and_function_of_the_language_is_in_the_schema() -> None:
    row = GENERAL.schema["$defs"]["row"]
    assert row["properties"]["type"]["enum"] == list(TYPES)
    assert {option for _, names in TYPES.values() for option in names} <= set(row["properties"])
    via = str(row["additionalProperties"])
    assert all(f"'{name}'" in via for name in BUILTIN)
