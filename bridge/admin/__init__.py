"""The admin listener, on loopback by default: health, readiness, metrics, status. Shares no router with callbacks.

May import the four duties (and below). Tests: tests/integration/test_admin.py.
"""
