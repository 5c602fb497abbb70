"""What stands between the bridge and Tryton: passes every call on, and lets a person be faster than one of them."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Ahead = Callable[[bytes], bool]
"""Told of a call before it is passed on; does something first for the call it waits for, and says whether it did."""


@dataclass
class Gate:
    """`to`: the server's address. `conflicts`: how many writes were refused because somebody was faster."""

    to: str
    ahead: list[Ahead] = field(default_factory=list)
    conflicts: int = 0
    url: str = ""

    @contextmanager
    def open(self) -> Iterator["Gate"]:
        """It passes calls on while the block runs."""
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
                    self.close_connection = True  # nobody listens behind: no answer
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: object) -> None:
                """Nothing: the bridge's own log says what it called."""

        return Handler

    def passed(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and content of the server's answer; status 0 when there is none."""
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
