"""The first schema, continued: sweeps, the journal, totals, systems and commands."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL = sa.Float(53)


def upgrade() -> None:
    _create_brake_hits()
    _create_budgets()
    _create_counters()
    _create_cursors()
    _create_hooks()
    _create_journal()
    _create_requests()
    _create_systems()
    _create_tokens()


def _create_brake_hits() -> None:
    op.create_table(
        "brake_hits",
        sa.Column("id", BIG, nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("at", REAL, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("link", BIG),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("brake_hits_at", "brake_hits", ["mapping", "at"])


def _create_budgets() -> None:
    op.create_table(
        "budgets",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("used", BIG, nullable=False),
        sa.PrimaryKeyConstraint("credential", "window"),
    )


def _create_counters() -> None:
    op.create_table(
        "counters",
        sa.Column("copy", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.PrimaryKeyConstraint("copy", "mapping", "name"),
    )


def _create_cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", REAL),
        sa.Column("sweep", BIG, nullable=False),
        sa.Column("page", sa.Text()),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("started_at", REAL),
        sa.Column("done_at", REAL),
        sa.Column("asked_at", REAL),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("marked", BIG, nullable=False),
        sa.PrimaryKeyConstraint("system", "entity", "kind"),
    )


def _create_hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("registered_at", REAL),
        sa.Column("seen_at", REAL),
        sa.Column("delivered_at", REAL),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system", "key"),
    )


def _create_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", REAL, nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("rec", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("link", BIG),
        sa.Column("other_rec", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("journal_at", "journal", ["at"])
    op.create_index("journal_other_rec", "journal", ["mapping", "other_rec", "id"])
    op.create_index("journal_rec", "journal", ["mapping", "side", "rec", "id"])


def _create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("asked_at", REAL, nullable=False),
        sa.Column("taken_at", REAL),
        sa.Column("done_at", REAL),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_systems() -> None:
    op.create_table(
        "systems",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity_key", sa.Text()),
        sa.Column("identity_label", sa.Text(), nullable=False),
        sa.Column("down_since", REAL),
        sa.Column("down_reason", sa.Text(), nullable=False),
        sa.Column("probe_at", REAL),
        sa.Column("stopped", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("saved_at", REAL, nullable=False),
        sa.PrimaryKeyConstraint("credential"),
    )
