"""When things run and what keeps them alive: the scheduler (APScheduler) and the supervisor of long-running parts.

`service` reports the state of the process to systemd.

May import domain and monitoring. Tests: tests/unit/runtime.
"""
