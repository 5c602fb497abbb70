"""Alembic migrations, run by `open_store` under a lock: the steps from older stores to the present tables."""
