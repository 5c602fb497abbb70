"""A proxy between the bridge and Tryton: it passes every call on, and lets a person edit before one of them."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Ahead = Callable[[bytes], bool]
"""Gets a call before it is passed on. For the expected call it does something first; returns whether it did."""


@dataclass
class Gate:
    """`to`: the server's address. `conflicts`: how many writes were refused because a person edited first."""

    to: str
    ahead: list[Ahead] = field(default_factory=list)
    conflicts: int = 0
    url: str = ""

    @contextmanager
    def open(self) -> Iterator["Gate"]:
        """Pass calls on while the block runs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                status, content = gate.passed(self.path, dict(self.headers), body)
                if not status:
                    self.close_connection = True  # nothing listens behind the gate: no answer
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: object) -> None:
                """Log nothing: the bridge's own log has its calls."""

        return Handler

    def passed(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and content of the server's answer; status 0 when there is none."""
        for one in list(self.ahead):
            if one(body):
                self.ahead.remove(one)
        kept = {name: value for name, value in headers.items() if name.lower() in ("authorization", "content-type")}
        request = urllib.request.Request(self.to + path, body, kept)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            return 0, b""
        self.conflicts += b"ConcurrencyException" in content
        return status, content
