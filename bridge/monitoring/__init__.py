"""Logs, metrics, health of each part, and the redaction of secrets in all of them.

May import domain. Tests: tests/unit/monitoring.
"""
