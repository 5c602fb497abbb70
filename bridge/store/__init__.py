"""The bridge's store: SQLAlchemy tables, migrations and one module per idea.

May import domain, settings and monitoring; SQLAlchemy is named nowhere else. `model` holds the plain values that cross
this border. Tests: tests/conformance/store (one suite on SQLite and on PostgreSQL).
"""

from bridge.store.engine import Store, open_store

__all__ = ["Store", "open_store"]
