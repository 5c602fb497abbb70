"""Shared by the programs: requests that stay on loopback, and calls printed line by line as `Call` in JSON."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import requests
from expected import misses

VENDOR = "https://api.pipedrive.com"


class Teller:
    """Makes calls and reports how they ended. Requests to the vendor's own address go to `address`.

    A request beyond the burst limit is repeated until it is accepted, as the vendor demands.
    """

    def __init__(self, address: str) -> None:
        self._status = 0
        send = requests.adapters.HTTPAdapter.send

        def sent(adapter: Any, request: Any, **options: Any) -> Any:
            request.url = request.url.replace(VENDOR, address, 1)
            answer = send(adapter, request, **options)
            while answer.status_code == 429:
                time.sleep(0.5)
                answer = send(adapter, request, **options)
            self._status = answer.status_code
            return answer

        requests.adapters.HTTPAdapter.send = sent  # type: ignore[method-assign]

    def call(self, name: str, make: Callable[[], Any], wanted: Any = None, status: int = 0) -> Any:
        """Return the client's result. `wanted`: what it must show; `status`: of the server's answer, 0: any success."""
        self._status, given = 0, None
        try:
            given = make()
        except Exception as error:
            self._tell(name, status, f"{type(error).__name__} {error}"[:300])
            return None
        self._tell(name, status, "; ".join(misses(wanted, given, "answer")) if wanted is not None else "")
        return given

    def _tell(self, name: str, status: int, complaint: str) -> None:
        outcome = "right" if not complaint else "wrong"
        if status:
            known = self._status == status or (status, self._status) == (404, 405)
            outcome = "wrong" if not known else "not served" if status == 404 else "right"
        elif not 200 <= self._status < 300:
            outcome, complaint = "wrong", f"{self._status} {complaint}"
        expected = str(status or "what was written")
        got = complaint if outcome == "wrong" and not status else str(self._status)
        line = {"name": name, "outcome": outcome, "expected": expected, "got": got}
        sys.stdout.write(json.dumps(line) + "\n")
