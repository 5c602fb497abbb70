"""Files that people write: YAML as trees that keep the place of every key and value.

May import domain. Tests: tests/unit/files.
"""
