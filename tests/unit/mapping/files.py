"""Mapping files and manifests that the tests share."""

from functools import cache
from pathlib import Path

from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Manifest
from bridge.mapping.load import load_mappings, load_text
from bridge.mapping.model import Mapping

SHIPPED = Path(__file__).parents[3] / "mappings"
PAIRS = sorted(folder for folder in SHIPPED.iterdir() if folder.is_dir())

HEAD = """\
mapping: people
sides: {crm: one person, erp: two contact}
match: none
conflict: crm
fields:
"""

NAME = "  name: {crm: name, erp: name}\n"


def head(**words: str) -> str:
    """Return the usual head with some lines replaced; an empty replacement removes the line."""
    lines = {"mapping": "people", "sides": "{crm: one person, erp: two contact}", "match": "none", "conflict": "crm"}
    lines |= {key.replace("_", "-"): text for key, text in words.items()}
    return "".join(f"{key}: {text}\n" for key, text in lines.items() if text) + "fields:\n"


@cache
def shipped(folder: Path) -> tuple[Mapping, ...]:
    """Return the mappings of a shipped pair. Mappings are immutable values, so all tests can share them."""
    return load_mappings(folder)


TEXT = ColumnSpec(Column.TEXT)

ONE = Manifest(
    "one",
    {
        "person": EntityManifest(
            {
                "id": ColumnSpec(Column.TEXT, writable=False),
                "title": TEXT,
                "name": TEXT,
                "emails": ColumnSpec(Column.VALUES),
                "address": ColumnSpec(Column.OBJECT, parts=("city", "street")),
                "amount": ColumnSpec(Column.DECIMAL),
                "day": ColumnSpec(Column.DATE),
                "status": ColumnSpec(Column.CHOICE, choices=("open", "won")),
                "company_id": ColumnSpec(Column.REFERENCE, to="company"),
            },
            archives=True,
        ),
        "company": EntityManifest({"name": TEXT, "boss": ColumnSpec(Column.REFERENCE, to="person")}),
    },
)
TWO = Manifest(
    "two",
    {
        "contact": EntityManifest(
            {
                "name": TEXT,
                "kind": ColumnSpec(Column.CHOICE, choices=("person", "company")),
                "email": TEXT,
                "city": TEXT,
                "amount": ColumnSpec(Column.DECIMAL),
                "closing": ColumnSpec(Column.INSTANT),
                "stage": ColumnSpec(Column.TEXT, writable=False),
                "tags": ColumnSpec(Column.SET),
                "company_id": ColumnSpec(Column.REFERENCE, to="contact"),
            },
            deletes=False,
        ),
        "thing": EntityManifest({"name": TEXT}, creates=False, updates=False),
    },
)
THREE = Manifest("three", {"item": EntityManifest({"name": TEXT, "need": ColumnSpec(Column.TEXT, required=True)})})
MANIFESTS = {"one": ONE, "two": TWO, "three": THREE}


def mapping_of(rows: str, head: str = HEAD) -> Mapping:
    """Return one mapping of these field rules (indented by two blanks)."""
    (mapping,) = load_text(head + rows, "people.yaml")
    return mapping
