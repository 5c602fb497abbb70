"""The first schema: what happened, what is due, what belongs together."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL = sa.Float(53)
IN_USE = sa.text("state IN ('intended', 'live', 'frozen')")


def upgrade() -> None:
    _create_events()
    _create_intent_keys()
    _create_leases()
    _create_link_refs()
    _create_links()
    _create_mappings()
    _create_merges()
    _create_record_keys()
    _create_records()
    _create_sequence()
    _create_tasks()
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO sequence (id, value) VALUES (1, 0)")
    else:
        op.execute("CREATE SEQUENCE bridge_seq CACHE 1")


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("rec", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Text()),
        sa.Column("source_at", REAL),
        sa.Column("version", REAL),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", REAL, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("events_stored_at", "events", ["stored_at"])
    op.create_index(
        "events_vendor_id",
        "events",
        ["system", "vendor_id"],
        unique=True,
        sqlite_where=sa.text("vendor_id IS NOT NULL"),
        postgresql_where=sa.text("vendor_id IS NOT NULL"),
    )


def _create_intent_keys() -> None:
    op.create_table(
        "intent_keys",
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("link", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("mapping", "hash", "link"),
    )
    op.create_index("intent_keys_link", "intent_keys", ["link"])


def _create_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("rec", sa.Text(), nullable=False),
        sa.Column("fence", BIG, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires", REAL, nullable=False),
        sa.PrimaryKeyConstraint("system", "entity", "rec"),
    )
    op.create_index("leases_fence", "leases", ["fence"])


def _create_link_refs() -> None:
    op.create_table(
        "link_refs",
        sa.Column("target", BIG, autoincrement=False, nullable=False),
        sa.Column("link", BIG, autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "link", "field"),
    )
    op.create_index("link_refs_link", "link_refs", ["link"])


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("left_rec", sa.Text()),
        sa.Column("right_rec", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("alias_of", BIG),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("held", sa.Text()),
        sa.Column("sent_left", sa.Text()),
        sa.Column("sent_right", sa.Text()),
        sa.Column("sent_until", REAL),
        sa.Column("payload", sa.Text()),
        sa.Column("deadline", REAL),
        sa.Column("look_at", REAL),
        sa.Column("gone_left", REAL),
        sa.Column("gone_right", REAL),
        sa.Column("writes", sa.Integer(), nullable=False),
        sa.Column("window_at", REAL, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("links_alias_of", "links", ["alias_of"])
    op.create_index("links_any_left", "links", ["mapping", "left_rec"])
    op.create_index("links_any_right", "links", ["mapping", "right_rec"])
    op.create_index(
        "links_left", "links", ["mapping", "left_rec"], unique=True, sqlite_where=IN_USE, postgresql_where=IN_USE
    )
    op.create_index(
        "links_right", "links", ["mapping", "right_rec"], unique=True, sqlite_where=IN_USE, postgresql_where=IN_USE
    )
    op.create_index(
        "links_unsettled",
        "links",
        ["mapping"],
        sqlite_where=sa.text("state IN ('intended', 'doubt') OR sent_until IS NOT NULL"),
        postgresql_where=sa.text("state IN ('intended', 'doubt') OR sent_until IS NOT NULL"),
    )


def _create_mappings() -> None:
    op.create_table(
        "mappings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("match_fingerprint", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pause_reason", sa.Text(), nullable=False),
        sa.Column("live_since", REAL),
        sa.Column("indexed_left", sa.Boolean(), nullable=False),
        sa.Column("indexed_right", sa.Boolean(), nullable=False),
        sa.Column("approved_until", REAL),
        sa.PrimaryKeyConstraint("name"),
    )


def _create_merges() -> None:
    op.create_table(
        "merges",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("loser", sa.Text(), nullable=False),
        sa.Column("survivor", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.PrimaryKeyConstraint("system", "entity", "loser"),
    )


def _create_record_keys() -> None:
    op.create_table(
        "record_keys",
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("rec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mapping", "side", "hash", "rec"),
    )
    op.create_index("record_keys_rec", "record_keys", ["mapping", "side", "rec"])


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("rec", sa.Text(), nullable=False),
        sa.Column("first_seq", BIG, nullable=False),
        sa.Column("version", REAL),
        sa.Column("own_version", REAL),
        sa.Column("own_write_at", REAL),
        sa.Column("row_hash", sa.Text()),
        sa.Column("seen_sweep", BIG),
        sa.Column("gone_at", REAL),
        sa.Column("gone_how", sa.Text()),
        sa.PrimaryKeyConstraint("system", "entity", "rec"),
    )


def _create_sequence() -> None:
    op.create_table(
        "sequence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("rec", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("due", REAL),
        sa.Column("gen", BIG, nullable=False),
        sa.Column("done_gen", BIG, nullable=False),
        sa.Column("pending", BIG, nullable=False),
        sa.Column("taken", BIG, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("wait_mapping", sa.Text()),
        sa.Column("wait_side", sa.Text()),
        sa.Column("wait_rec", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source_at", REAL),
        sa.Column("first_due", REAL, nullable=False),
        sa.Column("kinds", sa.Integer(), nullable=False),
        sa.Column("kinds_taken", sa.Integer(), nullable=False),
        sa.Column("decided_hash", sa.Text()),
        sa.Column("stale_since", REAL),
        sa.Column("gone_since", REAL),
        sa.PrimaryKeyConstraint("mapping", "side", "rec"),
    )
    op.create_index(
        "tasks_dead",
        "tasks",
        ["mapping"],
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "tasks_due",
        "tasks",
        ["lane", "due", "mapping"],
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    )
    op.create_index(
        "tasks_pending",
        "tasks",
        ["mapping", "state", "pending"],
        sqlite_where=sa.text("pending > 0"),
        postgresql_where=sa.text("pending > 0"),
    )
    op.create_index(
        "tasks_waits_for",
        "tasks",
        ["wait_mapping", "wait_side", "wait_rec"],
        sqlite_where=sa.text("wait_rec IS NOT NULL"),
        postgresql_where=sa.text("wait_rec IS NOT NULL"),
    )
