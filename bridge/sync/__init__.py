"""The sync worker: takes due tasks, reads both sides of a record, makes them agree, and stores what they agreed on.

`worker` claims tasks and runs them. For each claim, `load` reads, `decide` decides and `apply` writes. Only `retry`
decides what follows an error. May import connectors, store, mapping and the layers below.
Tests: tests/unit/sync, tests/sync, tests/integration.
"""
