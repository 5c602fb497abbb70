"""The outside world: one folder per product, one polite HTTP client, a literal registry.

May import domain, settings and monitoring. Connectors do not know one another, the store or the mappings; what they
need of a store is declared in `protocols`. Tests: tests/unit/connectors, tests/conformance/connectors.
"""
