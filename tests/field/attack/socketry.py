"""One attempt on one connection with a deadline: the server's answer, or that it hung."""

import re
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

DEADLINE_SECONDS = 15.0
"""Headers and bodies have two seconds each; a busy machine may need longer."""
LINGER_SECONDS = 0.15
"""How long to wait for more data after an answer: a smuggled request would be answered in that time."""
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass(frozen=True)
class Attempt:
    """The data of an attempt: `pieces` with a pause between them; `half`: it ends in the middle on purpose.

    `forged`: no request of it may be accepted (2xx). `what` names it for a person.
    """

    kind: str
    what: str
    pieces: Sequence[bytes]
    pause: float = 0.0
    forged: bool = False


@dataclass(frozen=True)
class Outcome:
    statuses: tuple[int, ...]
    seconds: float
    hung: bool
    said: bytes = b""

    def fault(self, attempt: Attempt) -> str:
        """Return what is wrong with the outcome, or ""."""
        if self.hung:
            return f"no answer and no end of the connection within {DEADLINE_SECONDS:.0f} s"
        if bad := [status for status in self.statuses if status >= 500 and status != 503]:
            return f"answered {bad[0]}"
        if attempt.forged and any(200 <= status < 300 for status in self.statuses):
            return f"taken for real: {self.statuses}"
        return ""


def attempt_at(port: int, attempt: Attempt) -> Outcome:
    began = time.monotonic()
    heard = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError):  # the server may close before everything is sent; its answer is read all the same
                for piece in attempt.pieces:
                    line.sendall(piece)
                    if attempt.pause:
                        time.sleep(attempt.pause)
            heard = _heard(line, began)
    except TimeoutError:
        return Outcome((), time.monotonic() - began, hung=True)
    except OSError:
        pass
    statuses = tuple(int(status) for status in STATUS.findall(heard))
    return Outcome(statuses, time.monotonic() - began, hung=False, said=heard)


def _heard(line: socket.socket, began: float) -> bytes:
    """Read until the server closes, or sends nothing for a moment after an answer. Raises TimeoutError if none came."""
    heard = b""
    with suppress(ConnectionError):
        while True:
            left = DEADLINE_SECONDS - (time.monotonic() - began)
            line.settimeout(LINGER_SECONDS if heard else max(left, 0.01))
            try:
                piece = line.recv(65536)
            except TimeoutError:
                if not heard:
                    raise
                return heard
            if not piece:
                return heard
            heard += piece
            if len(heard) > 4_000_000:
                return heard
    return heard
