"""The composition root: everything is built by hand here from settings and mapping files, started and stopped.

`plan` binds mappings to systems; `build` makes all objects; `daemon` starts and stops them; `requests` carries out what
commands and pages request; `checks` has the parts of health. May import everything except cli. Tests:
tests/integration.
"""
