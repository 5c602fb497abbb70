"""What the bridge would do, and doing exactly that: `bridge plan` and `bridge apply`.

A plan is the synchronizer's own loop on a scratch copy of the store, with connectors that read the real systems and
only note what they would write. May import sync, hooks, reconcile (and below). Tests: tests/planning.
"""
