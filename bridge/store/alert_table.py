"""The table of what targets of alerts were told."""

from sqlalchemy import Column, Integer, Table, Text

from bridge.store.tables import JsonText, Real, metadata

alert_state = Table(  # one row: names of parts of health, their status and times, and nothing of any record
    "alert_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", JsonText, nullable=False),
    Column("holder", Text, nullable=False),  # the instance that alerts
    Column("until", Real, nullable=False),  # then another one may
)
