"""Trials of a running bridge under conditions of years in use: attack, fail-over, soak. Each has its own make target.

`docs/field-tests.md` says what each trial does, what it checks, and the results of a first run.
"""
