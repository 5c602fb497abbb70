"""Makes the tables of a new store, and brings those of an older one up to date, at start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bridge.domain.errors import ConfigError, Fault
from bridge.store.database import Database
from bridge.store.tables import metadata


async def migrate(database: Database) -> None:
    """Run what is missing, one process at a time. Raises ConfigError for a schema that this program cannot continue."""

    def work(conn: Connection) -> None:
        database.lock_name(conn, "bridge-migrations")
        _upgrade(conn)

    await database.write("migrate", work)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    context = MigrationContext.configure(connection)
    current = context.get_current_revision()
    if current == head:
        return
    if current is None:
        metadata.create_all(connection)
        context.stamp(scripts, "head")
        return
    known = sorted(script.revision for script in scripts.walk_revisions())
    if current < known[0]:
        what = f"the store has schema {current}, older than the oldest this program continues, {known[0]}"
        raise ConfigError([Fault("store.url", what, "name a new store: what both sides hold is matched again")])
    if current not in known:
        what = f"the store has schema {current}, newer than this program's {head}"
        raise ConfigError([Fault("store.url", what, "run the newer version of the bridge")])
    command.upgrade(config, "head")
