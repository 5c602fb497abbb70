"""A process that the bridge started for a person: the person's name, and the rule that it ends with the bridge."""

import os
from threading import Thread

PERSON = "SYNC_BRIDGE_ASKED_BY"
"""The environment variable that names the person. The process that sets it also keeps a pipe to standard input open."""


def end_with_parent() -> None:
    """End this process when the bridge that started it has ended, however that happened. Other processes go on."""
    if PERSON in os.environ:
        Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):  # no data is sent: the read returns when the other end of the pipe is closed
        pass
    os._exit(1)
