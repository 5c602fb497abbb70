"""The admin listener, on loopback by default: health, metrics, status, the API and the pages. Shares no router with
callbacks.

What API and pages show and do is a table of operations that `app` hands in (`operation`); `api` and `openapi` serve it
to programs, `pages` to people, `login` says who asks, `live` has open pages follow what happens. May import the four
duties (and below). Tests: tests/integration/test_admin.py, tests/unit/test_login.py, tests/admin.
"""
