"""Alerts by webhook, e-mail and more: what changed in health, grouped, outside quiet hours, until it is resolved.

May import store, settings, monitoring and domain. Tests: tests/unit/alerts, tests/integration/test_alerts.py.
"""
