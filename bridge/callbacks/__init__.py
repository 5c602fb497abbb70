"""The public listener and intake: verify, decode, store, answer - and nothing else inside the request.

May import store and connectors.protocols (and below). Tests: tests/unit/callbacks, tests/integration.
"""
