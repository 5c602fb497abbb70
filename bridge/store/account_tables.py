"""Tables of what is known of an account beside its records: names as first seen, budgets."""

from sqlalchemy import Column, Table, Text

from bridge.store.tables import Big, Real, metadata

_window = (Column("credential", Text, primary_key=True), Column("window", Text, primary_key=True))
budgets = Table(
    "budgets",
    metadata,
    *_window,
    Column("used", Big, nullable=False),
    Column("until", Real),
    Column("why", Text),
)

names = Table(
    "names",
    metadata,
    Column("system", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("today", Text, nullable=False),
    Column("seen_at", Real, nullable=False),
)
