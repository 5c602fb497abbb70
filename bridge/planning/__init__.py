"""Shows what the bridge would do (`bridge plan`), and does exactly that (`bridge apply`).

A plan is the worker's own loop on a scratch copy of the store, with connectors that read the real systems and only
record what they would write. May import sync, hooks, reconcile (and below). Tests: tests/planning.
"""
