"""The oldest schema that this program can upgrade. A new store does not use this: its tables are made from `tables`."""

revision = "0005"
down_revision = None


def upgrade() -> None:
    raise AssertionError("a store without tables is made from the tables of today")
