"""The event that the current work is about, so that each of its log lines can name it."""

from contextvars import ContextVar

EVENT: ContextVar[int | None] = ContextVar("event", default=None)
"""The number of an event. It is set once in the task of a claim, and what that task calls inherits it."""
