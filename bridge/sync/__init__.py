"""The sync worker: takes due tasks, reads both sides of a record, makes them agree, and remembers.

`worker` leases and runs; `synchronize` is one record's way through reading, matching, creating, updating and removing;
`retry` alone turns errors into what happens next. May import mapping, store and connectors.protocols (and below).
Tests: tests/unit/sync, tests/integration.
"""
