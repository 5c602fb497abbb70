"""What the pages and the API of the admin listener show and do, as plain functions on a running bridge.

`table` lists them all. Tests: tests/admin.
"""
