"""Tables of what a person has checked and asked to be forgotten."""

from sqlalchemy import Column, Table, Text

from bridge.store.tables import JsonText, Real, metadata

verifications = Table(
    "verifications",
    metadata,
    Column("mapping", Text, primary_key=True),
    Column("started_at", Real, nullable=False),  # of the last one, also while it runs
    Column("done_at", Real),  # of the one whose summary this is
    Column("summary", JsonText),
)

forgotten = Table(  # records whose data was erased; nothing else is kept of them
    "forgotten",
    metadata,
    Column("hash", Text, primary_key=True),  # see forget.fingerprint
    Column("together", Text, nullable=False),  # the same for records that were forgotten as one person
    Column("at", Real, nullable=False),
)
