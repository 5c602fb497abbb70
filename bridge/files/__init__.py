"""Files that people write: YAML as trees that remember where everything stands.

May import domain. Tests: tests/unit/files.
"""
