"""Mapping files: how a record of one side becomes a record of the other, and how edits of both sides are merged.

Pure: imports `bridge.domain`, the standard library, ruamel.yaml, phonenumbers, email-validator and babel. The
steps, one module each: `load` (file -> `model.Mapping`), `translate` (record <-> canonical values), `merge` (the base,
and decisions against it), `check` (problems against what the connectors can do), `examples` (the files' own tests),
`explain`.
Tests: tests/unit/mapping.
"""
