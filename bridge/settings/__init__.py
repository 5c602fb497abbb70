"""What the operator wrote: one YAML file, overridden by the environment, and secrets from files or the environment.

May import domain. Tests: tests/unit/settings.
"""
