"""The budget of each account, the instances' parts of it, and the progress of sweeps and backfills."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    real = sa.Float(53)
    quotas = op.create_table(
        "quotas",
        sa.Column("credential", sa.Text, primary_key=True),
        sa.Column("reserved", real, nullable=False),
        sa.Column("per_second", real),
        sa.Column("day_limit", big),
        sa.Column("day_held", big, nullable=False),
        sa.Column("day_ends", real, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("vendor_limit", big),
        sa.Column("vendor_left", big),
        sa.Column("vendor_ends", real),
        sa.Column("uses", sa.Text, nullable=False),
    )
    op.create_table(
        "shares",
        sa.Column("credential", sa.Text, primary_key=True),
        sa.Column("instance", sa.Text, primary_key=True),
        sa.Column("fraction", real, nullable=False),
        sa.Column("until", real, nullable=False),
    )
    op.bulk_insert(quotas, _used_today())
    op.execute("DELETE FROM budgets WHERE \"window\" = 'pace' OR \"window\" LIKE 'spent %'")
    op.add_column("cursors", sa.Column("total", big))
    op.add_column("cursors", sa.Column("moved_at", real))
    op.add_column("cursors", sa.Column("seconds", real, nullable=False, server_default=sa.text("0")))


def _used_today() -> list[dict[str, Any]]:
    """Return what each account used of its last counted day, so that the count continues."""
    spent = sa.text('SELECT credential, "window", used FROM budgets WHERE "window" LIKE \'spent %\' ORDER BY "window"')
    used = {row.credential: row for row in op.get_bind().execute(spent)}
    return [
        {
            "credential": row.credential,
            "reserved": 0.2,
            "day_held": row.used,
            "day_ends": datetime.fromisoformat(row.window[6:]).replace(tzinfo=UTC).timestamp() + 86_400.0,
            "unit": "",
            "uses": "{}",
        }
        for row in used.values()
    ]
