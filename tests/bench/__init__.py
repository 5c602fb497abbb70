"""`make bench`: the real daemon over the simulators, beside a small forwarder that makes the same calls.

`docs/performance.md` says how to repeat a run and what each figure means.
"""
