"""Sweeps: walk a system's listings, and mark what differs from the base. Never writes.

`compare` judges one row, `page` one page for every mapping, `reconciler` walks and keeps cursors.
May import mapping, store and connectors.protocols (and below). Tests: tests/unit/reconcile, tests/integration.
"""
