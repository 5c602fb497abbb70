"""Verification: reads both sides through a mapping, and says whether they agree. Never writes to a system.

`rows` judges one row of a listing, `look` one pair read by itself, `run` walks both sides, `report` tells of it.
May import sync, reconcile, mapping, store and connectors.protocols (and below). Tests: tests/unit/verify,
tests/integration/test_verify.py.
"""
