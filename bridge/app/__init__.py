"""The composition root: everything is built by hand here, from settings and mapping files, and started and stopped.

`plan` binds mappings to systems; `build` makes all objects; `daemon` starts and stops them; `requests` acts on what the
commands ask for; `checks` are the health parts. May import everything except cli. Tests: tests/integration.
"""
