"""What the operator wrote: one YAML file, the environment on top, secrets from files or the environment.

May import domain. Tests: tests/unit/settings.
"""
