"""The products: one folder for each, one HTTP client for all, and a literal registry.

May import domain, settings and monitoring. A connector does not import another connector, the store or the mappings;
`protocols` declares what it needs of a store. Tests: tests/unit/connectors, tests/conformance/connectors.
"""
