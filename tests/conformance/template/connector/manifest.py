"""What Sample offers and what it cannot do. Name the vendor's page of each fact here.

`domain/catalog.py` explains every fact. When in doubt, state less: the bridge works around missing abilities.
"""

from collections.abc import Mapping

from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Lookup, Manifest

ITEM: Mapping[str, ColumnSpec] = {
    "id": ColumnSpec(Column.INTEGER, writable=False),
    "name": ColumnSpec(Column.TEXT, required=True, max_length=255),
    "note": ColumnSpec(Column.TEXT),
    "price": ColumnSpec(Column.DECIMAL),
    "updated_at": ColumnSpec(Column.INSTANT, writable=False),
}

MANIFEST = Manifest(
    product="sample",
    entities={
        "item": EntityManifest(
            columns=ITEM,
            events=frozenset(),  # no webhooks yet: sweeps bring every change
            read_lag=2.0,
            version_resolution=1.0,
            since=True,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"name"}),
            delete_evidence=False,
            custom=False,
        ),
    },
    limits=("Nothing is heard of by callbacks: sweeps look for changes at the pace of `sweep_seconds`.",),
    not_yet=("webhooks",),
)
