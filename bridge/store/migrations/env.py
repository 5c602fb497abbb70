"""Alembic's entry point: runs on the caller's connection and in its transaction."""

from alembic import context

from bridge.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction contains all of it
)
context.run_migrations()
