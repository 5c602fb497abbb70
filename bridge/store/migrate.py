"""Brings the tables of an older store up to date, at start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bridge.domain.errors import ConfigError, Problem
from bridge.store.schema import schema_of


def migrate(conn: Connection) -> None:
    """Run the missing migrations. Raises ConfigError for a schema that this program cannot continue."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    known = sorted(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())
    current = schema_of(conn)
    if current is None or current == known[-1]:
        return
    if current < known[0]:
        what = f"the store has schema {current}, older than the oldest that this version can upgrade, {known[0]}"
        raise ConfigError([Problem("store.url", what, "name a new store: all records are then matched again")])
    if current not in known:
        what = f"the store has schema {current}, newer than this program's {known[-1]}"
        raise ConfigError([Problem("store.url", what, "run the newer version of the bridge")])
    command.upgrade(config, "head")
