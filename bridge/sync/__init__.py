"""The sync worker: takes due tasks, reads both sides of a record, makes them agree, and remembers.

`worker` leases and runs; `load`, `decide` and `apply` are one record's way: reading, deciding, writing;
`retry` alone turns errors into what happens next. May import mapping, store and connectors.protocols (and below).
Tests: tests/unit/sync, tests/integration.
"""
