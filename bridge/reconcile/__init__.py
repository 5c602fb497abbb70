"""Sweeps: walk a system's listings, and mark records that differ from their base. Never writes to a system.

`compare` judges one row, `page` one page for every mapping, `walk` reads a listing, `reconciler` keeps the cursors.
May import mapping, store and connectors.protocols (and below). Tests: tests/unit/reconcile, tests/integration.
"""
