"""Wanted versus seen registrations at the vendors: register, adopt, repair, and only ever touch our own.

May import store and connectors.protocols (and below). Tests: tests/unit/hooks, tests/integration.
"""
