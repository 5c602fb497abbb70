"""The admin listener, on loopback by default: health, metrics, status, the API and the pages. It shares no router with
the callback listener.

The API and the pages show and do what a table of operations lists, which `app` passes in (`operation`). `api` and
`openapi` serve the table to programs, `pages` serves it to people. `login` finds out who sent a request, `live` tells
open pages that something changed. May import the four duties and what is below them. Tests:
tests/integration/test_admin.py, tests/unit/test_login.py, tests/admin.
"""
