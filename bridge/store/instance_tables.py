"""The table of running bridges."""

from sqlalchemy import Column, Table, Text

from bridge.store.tables import Real, metadata

instances = Table(
    "instances",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_at", Real, nullable=False),
    Column("seen_at", Real, nullable=False),
    Column("stopped_at", Real),  # null while it runs, and for ever when it was killed
)
