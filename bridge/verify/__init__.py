"""Verification: reads both sides through a mapping, and reports whether they agree. Never writes to a system.

`rows` judges one row of a listing, `look` reads and judges one pair, `run` walks both sides, `report` shows the result.
May import sync, reconcile, mapping, store and connectors.protocols (and below). Tests: tests/unit/verify,
tests/integration/test_verify.py.
"""
