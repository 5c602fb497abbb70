"""Files that mapping files name: `include:` for shared field rules, `table: FILE` for value tables.

Their content is inserted before a mapping is compiled, so that everything else sees one document. Places keep the name
of the file that they come from.
"""

from collections.abc import Callable
from dataclasses import field

from bridge.domain.guess import did_you_mean
from bridge.domain.values import dataclass, replace
from bridge.files.document import Listing, Node, Place, Problems, Scalar, Table, read_documents

ROWS, TABLE, TESTS = ".rows.yaml", ".table.yaml", ".test.yaml"


@dataclass(frozen=True, slots=True)
class Sources:
    """`read`: returns the text of a file by its path below the folder of mapping files; None if there is no such file.

    `known`: all these paths, for did-you-mean.
    """

    read: Callable[[str], str | None]
    known: tuple[str, ...]
    problems: Problems
    seen: dict[str, Node | None] = field(default_factory=dict)

    def completed(self, node: Node) -> Node:
        """Return a mapping's document with the shared field rules and value tables inserted."""
        if not isinstance(node, Table):
            return node
        entries = dict(node.entries)
        own = entries.get("fields")
        included = entries.pop("include", None)
        if included is not None:
            own = self._with_rows(own, included, (node.place.file,))
        if isinstance(own, Table):
            entries["fields"] = self._with_tables(own)
            keys = {**node.keys, "fields": node.keys.get("fields", Scalar("fields", node.place))}
            return Table(entries, {key: scalar for key, scalar in keys.items() if key in entries}, node.place)
        return node

    def _with_rows(self, own: Node | None, included: Node, above: tuple[str, ...]) -> Node | None:
        """Return the field rules, the shared ones first, in the order of the files. Report rules written twice."""
        rows = Table({}, {}, own.place if own is not None else included.place)
        for item in included.items if isinstance(included, Listing) else (included,):
            found = self._rows_of(item, above)
            if found is not None:
                rows = self._added(rows, found)
        if own is None or not isinstance(own, Table):
            return rows if own is None else own
        return self._added(rows, own)

    def _added(self, rows: Table, more: Table) -> Table:
        for name in more.entries:
            if name in rows.entries:
                first = rows.keys[name].place
                what = f"field rule `{name}` is written twice: it is also at {first}"
                self.problems.add(more.keys[name].place, what, "rename one of them, or do not include it")
        return Table({**rows.entries, **more.entries}, {**rows.keys, **more.keys}, more.place)

    def _rows_of(self, item: Node, above: tuple[str, ...]) -> Table | None:
        if not isinstance(item, Scalar) or not item.text.endswith(ROWS):
            what = "`include` names files of field rules"
            self.problems.add(
                item.place, what, f"write include: [NAME{ROWS}], a path below the folder of mapping files"
            )
            return None
        if item.text in above:
            ring = " -> ".join((*above[above.index(item.text) :], item.text))
            self.problems.add(item.place, f"files include each other in a circle: {ring}", "remove one `include`")
            return None
        node = self._file(item)
        if node is None:
            return None
        fields = node.entries.get("fields") if isinstance(node, Table) else None
        include = node.entries.get("include") if isinstance(node, Table) else None
        if not isinstance(node, Table) or not isinstance(fields, Table) or set(node.entries) - {"fields", "include"}:
            what = f"{item.text} contains other keys than `fields` (and `include`)"
            self.problems.add(node.place, what, "write fields: with one rule per field, as in a mapping")
            return None
        rows = fields if include is None else self._with_rows(fields, include, (*above, item.text))
        return rows if isinstance(rows, Table) else None

    def _with_tables(self, rows: Table) -> Table:
        """Return the field rules with each `table: FILE` replaced by the table in that file."""
        made = dict(rows.entries)
        for name, row in rows.entries.items():
            table = row.entries.get("table") if isinstance(row, Table) else None
            if not isinstance(row, Table) or not isinstance(table, Scalar) or table.null:
                continue
            if not table.text.endswith(TABLE):
                what = f"`table: {table.text}` of field rule {name} is neither a table nor a file of one"
                self.problems.add(table.place, what, f"write table: {{A: Gold}}, or table: NAME{TABLE}")
                made[name] = replace(row, entries={k: v for k, v in row.entries.items() if k != "table"})
                continue
            found = self._file(table)
            if found is not None and not isinstance(found, Table):
                self.problems.add(
                    found.place, f"{table.text} is not a table of values", "write a pair per line: A: Gold"
                )
            empty = Table({}, {}, table.place)
            made[name] = replace(row, entries={**row.entries, "table": found if isinstance(found, Table) else empty})
        return replace(rows, entries=made)

    def _file(self, name: Scalar) -> Node | None:
        """Return the only document of a file, which is read once; None after a problem."""
        if name.text in self.seen:
            return self.seen[name.text]
        text, before = self.read(name.text), len(self.problems.found)
        if text is None:
            ending = ROWS if name.text.endswith(ROWS) else TABLE
            alike = [path for path in self.known if path.endswith(ending)]
            remedy = did_you_mean(name.text, alike) if alike else "the path is relative to the folder of mapping files"
            self.problems.add(name.place, f"there is no file {name.text}", remedy)
            return None
        documents = read_documents(text, name.text, self.problems)
        if len(documents) > 1:
            self.problems.add(documents[1].place, f"{name.text} holds several documents", "keep one")
        elif not documents and len(self.problems.found) == before:
            self.problems.add(Place(name.text, 1, 1), f"{name.text} is empty", "write its field rules or its table")
        self.seen[name.text] = documents[0] if documents else None
        return self.seen[name.text]


def is_part(path: str) -> bool:
    """Return whether a file holds no mapping, but examples, shared field rules or a value table."""
    return path.endswith((TESTS, ROWS, TABLE))
