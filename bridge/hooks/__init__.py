"""Keeps the wanted hooks registered at the vendors: registers, adopts and repairs them. Touches only the bridge's own.

May import store and connectors.protocols (and below). Tests: tests/unit/hooks, tests/integration.
"""
