"""The public listener and intake: a request is verified, decoded, stored and answered, and nothing else is done in it.

May import store and connectors.protocols (and below). Tests: tests/unit/callbacks, tests/integration.
"""
