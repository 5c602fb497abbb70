"""When things run and what keeps them alive: the scheduler (APScheduler) and the supervisor of long-running parts.

`service` tells systemd how the process fares.

May import domain and monitoring. Tests: tests/unit/runtime.
"""
