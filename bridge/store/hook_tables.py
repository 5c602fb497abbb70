"""Tables of what hooks reported, and of what accounts showed of their fields."""

from sqlalchemy import Column, Table, Text

from bridge.store.tables import Big, JsonText, Real, metadata

hook_hours = Table(  # what hooks reported and missed, hour by hour
    "hook_hours",
    metadata,
    Column("system", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("hour", Big, primary_key=True, autoincrement=False),  # hours since 1970, UTC
    Column("reported", Big, nullable=False),
    Column("missed", Big, nullable=False),
    Column("repaired", Big, nullable=False),
)

account_columns = Table(  # the columns of an account's entity: as accepted, as last seen, and how the two differ
    "account_columns",
    metadata,
    Column("system", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("accepted", JsonText, nullable=False),
    Column("accepted_at", Real, nullable=False),
    Column("seen", JsonText, nullable=False),
    Column("seen_at", Real, nullable=False),
    Column("changes", JsonText, nullable=False),
)
