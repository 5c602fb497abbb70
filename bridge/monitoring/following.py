"""Which event the work of this moment is about, so that every log line of it can say so."""

from contextvars import ContextVar

EVENT: ContextVar[int | None] = ContextVar("event", default=None)
"""The number of an event, set once in the task of a claim; what that task calls inherits it."""
