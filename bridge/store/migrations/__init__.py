"""Alembic migrations, run by `open_store` under a lock. They only add."""
