"""Trials of a running bridge as years in the field try it: attack, fail-over, soak. Each is a make target of its own.

`docs/field-tests.md` says what each does, what it judges and what a first run gave.
"""
