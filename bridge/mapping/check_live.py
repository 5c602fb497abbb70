"""The pure half of `bridge check --live`: checks mappings against the columns that the accounts really have."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingOf

from bridge.domain.catalog import Column, ColumnSpec, Manifest
from bridge.domain.errors import Problem
from bridge.domain.record import SIDES, Side
from bridge.mapping.check import check
from bridge.mapping.check_columns import Catalog, ExtraColumns, catalog_of, check_columns, words_of
from bridge.mapping.model import Field, Mapping, SideColumns
from bridge.mapping.tables import ANY
from bridge.mapping.values import LEAVE


def check_live(
    mappings: Iterable[Mapping],
    manifests: MappingOf[str, Manifest],
    live: ExtraColumns,
    systems: MappingOf[str, str] | None = None,
) -> list[Problem]:
    """Return what `check` finds with the accounts' own columns, and what only an account can show.

    `live`: what each account reported, by (side's name, entity): custom fields, options, lengths, read-only, required.
    """
    mappings = tuple(mappings)
    problems = check(mappings, manifests, live, systems)
    for mapping in mappings:
        catalogs = {side: catalog_of(mapping, side, manifests, live) for side in SIDES}
        for row in mapping.fields:
            problems += _unlisted(mapping, row, catalogs)
            problems += _lengths(row, catalogs)
    return problems


def account_problems(
    mapping: Mapping, mappings: tuple[Mapping, ...], manifests: MappingOf[str, Manifest], live: ExtraColumns
) -> list[Problem]:
    """Return problems for columns, options and stages that the accounts lack. The mapping has passed `check` before."""
    catalogs = {side: catalog_of(mapping, side, manifests, live) for side in SIDES}
    problems = [
        problem for one in catalogs.values() if one is not None for problem in check_columns(mapping, one, mappings)
    ]
    for row in mapping.fields:
        problems += _unlisted(mapping, row, catalogs)
    return problems


def _unlisted(mapping: Mapping, row: Field, catalogs: MappingOf[Side, Catalog | None]) -> Iterator[Problem]:
    """Yield problems for options that a record may show and that no line of the field rule's table names."""
    if row.set_on is not None or "otherwise" in row.source or row.source.get("unlisted", "reject") != "reject":
        return
    for side in SIDES:
        catalog, columns = catalogs[side], row.columns_of(side)
        if catalog is None or columns is None or side.other not in row.flows:
            continue
        for at, path in enumerate(columns.paths):
            spec = catalog.spec(path)
            listed = _listed(row, columns, catalog, at)
            missing = [] if spec is None or listed is None else [word for word in spec.choices if word not in listed]
            if missing:
                told = ", ".join(f"`{word}`" for word in missing[:5]) + (", ..." if len(missing) > 5 else "")
                what = f"field rule {row.name} of {mapping.name}: its table lacks {told}, which `{path.text}` of"
                remedy = "add a line for each, or write unlisted: skip"
                yield Problem(str(columns.places[at]), f"{what} {catalog.name} offers", remedy)


def _listed(row: Field, columns: SideColumns, catalog: Catalog, at: int) -> set[str] | None:
    """Return the words that the field rule knows in that column; None if it accepts any."""
    if columns.via or (row.table is None and not row.lines):
        return None
    if row.lines and any(columns.render(line)[at] is LEAVE for line in row.lines):
        return None
    return set(words_of(row, catalog.role, columns.paths[at].text, catalog.side, at)) - {ANY}


def _lengths(row: Field, catalogs: MappingOf[Side, Catalog | None]) -> Iterator[Problem]:
    """Yield problems for columns that hold shorter text than the other side: they would refuse or cut it."""
    for target in (side for side in SIDES if side in row.flows):
        here, there = catalogs[target], catalogs[target.other]
        limit, offered = _length(row, here, target), _length(row, there, target.other)
        if here is None or limit is None:
            continue
        columns = row.columns_of(target)
        assert columns is not None
        words = words_of(row, here.role, columns.paths[0].text, target, 0)
        long = [word for word in words if len(word) > limit]
        if long:
            what = (
                f"field rule {row.name}: `{columns.names[0]}` of {here.name} takes {limit} characters, `{long[0]}` has"
            )
            yield Problem(str(columns.places[0]), f"{what} {len(long[0])}", "shorten it")
        elif not words and not row.lossy and not _cuts(columns, limit) and offered is not None and offered > limit:
            column = f"`{columns.names[0]}` of {here.name}"
            what = f"field rule {row.name}: {column} takes {limit} characters, the other side"
            cut = f"{here.role}: {{column: {columns.names[0]}, via: {{cut: {limit}}}}}"
            yield Problem(
                str(columns.places[0]),
                f"{what} {offered}",
                f"write {cut} and lossy: true, or lossy: true if that never happens",
            )


def _length(row: Field, catalog: Catalog | None, side: Side) -> int | None:
    """Return the longest text of the rule's only column on that side; None if it is not known, or not text."""
    columns = row.columns_of(side)
    if (
        catalog is None
        or columns is None
        or len(columns.paths) != 1
        or row.type not in ("text", "choice", "user", "email")
    ):
        return None
    spec: ColumnSpec | None = catalog.spec(columns.paths[0])
    return spec.max_length if spec is not None and spec.type is Column.TEXT else None


def _cuts(columns: SideColumns, limit: int) -> bool:
    return any(text.startswith("cut: ") and int(text.removeprefix("cut: ")) <= limit for text in columns.via)
