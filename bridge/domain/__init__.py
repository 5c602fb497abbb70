"""Plain values that every other package uses, the error tree, and the seams to clock, randomness and ids.

Imports the standard library only. Tests: tests/unit.
"""
