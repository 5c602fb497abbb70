"""Tables of what is known of an account beside its records: names as first seen, pauses, and its budget."""

from sqlalchemy import Column, Table, Text

from bridge.store.tables import Big, JsonText, Real, metadata

_window = (Column("credential", Text, primary_key=True), Column("window", Text, primary_key=True))
budgets = Table(
    "budgets",
    metadata,
    *_window,
    Column("used", Big, nullable=False),
    Column("until", Real),
    Column("why", Text),
)

quotas = Table(
    "quotas",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("reserved", Real, nullable=False),
    Column("per_second", Real),  # calls, of all instances
    Column("day_limit", Big),  # of our own, in `unit`
    Column("day_held", Big, nullable=False),  # of these, used or held by an instance
    Column("day_ends", Real, nullable=False),
    Column("unit", Text, nullable=False),
    Column("vendor_limit", Big),
    Column("vendor_left", Big),
    Column("vendor_ends", Real),
    Column("uses", JsonText, nullable=False),  # of our day, by priority: units, calls, pieces of work
)

shares = Table(
    "shares",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("instance", Text, primary_key=True),
    Column("fraction", Real, nullable=False),
    Column("until", Real, nullable=False),
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
