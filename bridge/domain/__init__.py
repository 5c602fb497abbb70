"""Plain values every other package speaks in, the error tree, and the seams to clock, randomness and ids.

Imports the standard library only. Tests: tests/unit.
"""
