"""Brings the schema up to date at start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bridge.domain.errors import ConfigError, Fault
from bridge.store.database import Database


async def migrate(database: Database) -> None:
    """Run what is missing, one process at a time. Raises ConfigError when the schema is newer than this program."""

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
    current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        what = f"the store has schema {current}, newer than this program's {head}"
        raise ConfigError([Fault("store.url", what, "run the newer version of the bridge")])
    command.upgrade(config, "head")
