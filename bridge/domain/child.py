"""A process that the bridge started for a person: whose it is, and that it ends with the bridge."""

import os
from threading import Thread

PERSON = "SYNC_BRIDGE_ASKED_BY"
"""The environment variable that names the person. Whoever sets it also keeps a pipe open to standard input."""


def end_with_parent() -> None:
    """End this process once the bridge that started it is gone, however it went; nothing in a process of its own."""
    if PERSON in os.environ:
        Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):  # nothing is ever sent: it comes back when the other end is closed
        pass
    os._exit(1)
