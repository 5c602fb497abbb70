"""Reads `tests:` blocks."""

from collections.abc import Mapping as MappingOf
from typing import Any

from bridge.domain.record import Side
from bridge.files.document import Listing, Scalar, Table, plain
from bridge.mapping.model import Example
from bridge.mapping.section import Section


def read_examples(section: Section, named: MappingOf[str, Side]) -> tuple[Example, ...]:
    """Return the examples. Each entry has a name and one record for each side, by paths. `links` are pairs of ids;
    `only: crm -> erp` means one direction."""
    left, right = named
    found = []
    for item in section.items("tests"):
        if not isinstance(item, Table):
            section.problems.add(
                item.place, f"a test of {section.what} must be a table", f"write - name: ..., {left}: ..., {right}: ..."
            )
            continue
        test = Section(item, "this test", section.problems)
        name = test.text("name") or f"test in line {item.place.line}"
        test.what = f"test `{name}`"
        records = [_record(test, side) for side in (left, right)]
        links = _links(test)
        only = test.word("only", ("both", f"{left} -> {right}", f"{right} -> {left}"), "both")
        to = {f"{left} -> {right}": Side.RIGHT, f"{right} -> {left}": Side.LEFT}.get(only)
        test.finish()
        found.append(Example(name, records[0], records[1], links, item.place, to))
    return tuple(found)


def _record(test: Section, side: str) -> dict[str, Any]:
    """Return the record's `Fields`, built from its paths."""
    table = test.sub(side)
    if table is None:
        test.problems.add(test.place, f"{test.what} has no record for {side}", f"add {side}: {{column: value}}")
        return {}
    fields: dict[str, Any] = {}
    for key, node in table.table.entries.items():
        path = table.compile_path(key, table.at(key))
        if path is not None:
            path.put(fields, {}, plain(node))
    return fields


def _links(test: Section) -> dict[str, tuple[tuple[str, str], ...]]:
    table = test.sub("links")
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for mapping, node in (table.table.entries if table is not None else {}).items():
        pairs = node.items if isinstance(node, Listing) else ()
        ids = [
            tuple(c.text for c in pair.items if isinstance(c, Scalar)) for pair in pairs if isinstance(pair, Listing)
        ]
        if not ids or any(len(pair) != 2 for pair in ids):
            test.problems.add(
                node.place, f"`links` of {test.what} must list pairs of ids", f"write {mapping}: [[7, c-7]]"
            )
            continue
        found[mapping] = tuple((pair[0], pair[1]) for pair in ids)
    return found
