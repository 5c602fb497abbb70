"""The vendor's own client for Node, generated from its API description: every method of both versions."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients import Call
from tests.clients.declarations import Declarations
from tests.clients.expected import filled, misses
from tests.clients.node import install_packages
from tests.clients.pipedrive_calls import NOT_SERVED, NOT_SERVED_EITHER, Step, steps

NAME = "npm pipedrive"
VERSION = "33.7.0"
TOKEN = "sandbox-token"
_home = Path()

SLIPS = (
    ("v1.", "FieldsApi.", ".field_type is", "the words are declared twice, the shorter list beside the longer one"),
    ("v1.RecentsApi.", "getRecents", "data[", "only the last of eleven kinds of items is declared"),
    (
        "v1.DealsApi.",
        "sTimeline",
        "data is [",
        "one group is declared, the text speaks of as many as are asked for",
    ),
    (
        "v2.DealsApi.",
        "deleteAdditionalDiscount",
        "data.id is",
        "declared as a number, ids of discounts are UUIDs",
    ),
    ("v2.ProductsApi.", "searchProducts", ".item.code is", "declared as a number, codes are texts"),
)
"""Where the client's declarations contradict the vendor's own examples: version and class, method, the reported error,
and why it is none. These errors are ignored.
"""


def install(folder: Path) -> str:
    """Raises Skipped."""
    global _home
    _home = folder
    install_packages(folder, f"pipedrive@{VERSION}")
    return VERSION


def run(address: str) -> list[Call]:
    versions = _home / "node_modules" / "pipedrive" / "dist" / "versions"
    known = {version: Declarations(versions / version) for version in ("v1", "v2")}
    command = ["node", str(Path(__file__).with_name("pipedrive.mjs")), str(_home), address, TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        try:
            session = _Session(driver, known)
            calls = [session.ended(step) for step in (*steps(), *_not_served(known))]
            return [*calls, *session.left_out()]
        finally:
            driver.terminate()


def _not_served(known: Mapping[str, Declarations]) -> Iterator[Step]:
    """Return a call for everything that the simulator does not have, with a value in every parameter."""
    for version, declared in known.items():
        for (api, method), (takes, _gives) in declared.methods.items():
            name = f"{version}.{api}"
            if name in NOT_SERVED or method in NOT_SERVED_EITHER.get(name, ()):
                given = declared.types[takes].properties if takes else {}
                yield Step(name, method, {key: {} if key[0].isupper() else "1" for key in given}, status=404)


def _is_slip(step: Step, said: str) -> bool:
    full = f"{step.api}.{step.method}"
    return any(full.startswith(head) and part in full and what in said for head, part, what, _why in SLIPS)


@dataclass
class _Session:
    """The driver, and the values of its answers so far."""

    driver: "subprocess.Popen[str]"
    known: Mapping[str, Declarations]
    kept: dict[str, Any] = field(default_factory=dict)
    made: set[tuple[str, str]] = field(default_factory=set)

    def ended(self, step: Step) -> Call:
        self.made.add((step.api, step.method))
        name = f"{step.api}.{step.method} {json.dumps(step.takes)}"
        try:
            takes = filled(step.takes, self.kept)
            body, data, more = (filled(one, self.kept) for one in (step.body, step.data, step.more))
        except KeyError as missing:
            return Call(name, "wrong", "that the calls before were right", f"no {missing.args[0]}")
        version, api = step.api.split(".")
        declared = self.known[version]
        asks, gives = declared.methods[api, step.method]
        if body is not None:
            takes[declared.body_of(asks)] = body
        answer = self._answer({"version": version, "api": api, "method": step.method, "takes": takes})
        if answer["status"] != step.status:
            return Call(name, "wrong", str(step.status), f"{answer['status']} {json.dumps(answer.get('body'))[:200]}")
        if step.status == 404:
            return Call(name, "not served")
        lacks = [one for one in declared.lacks(gives, answer["body"]) if not _is_slip(step, one)]
        return self._judged(step, name, answer["body"], (data, more), lacks)

    def _judged(self, step: Step, name: str, body: Any, wanted: tuple[Any, Any], lacks: list[str]) -> Call:
        data, more = wanted
        wrong = [f"{one} (declared by the client)" for one in lacks]
        if not isinstance(body, dict) or body.get("success") is not True:
            wrong.append("success is not true")
        else:
            wrong += misses(data, body.get("data")) if data is not None else []
            wrong += misses(more, body.get("additional_data"), "additional_data") if more is not None else []
            if step.keep:
                self.kept[step.keep] = body.get("data")
        return Call(name, "wrong", "what was written", "; ".join(wrong[:4])) if wrong else Call(name, "right")

    def _answer(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Wait when the account's burst is used up, as a polite program does."""
        assert self.driver.stdin is not None
        assert self.driver.stdout is not None
        while True:
            self.driver.stdin.write(json.dumps(call) + "\n")
            self.driver.stdin.flush()
            line = self.driver.stdout.readline()
            assert line, "the driver has ended"
            answer: dict[str, Any] = json.loads(line)
            if answer["status"] != 429:
                return answer
            time.sleep(0.5)

    def left_out(self) -> list[Call]:
        """Return the client's methods that were never called."""
        every = [(f"{version}.{api}", method) for version, one in self.known.items() for api, method in one.methods]
        return [
            Call(f"{api}.{method}", "wrong", "that it is called", "it is not")
            for api, method in every
            if (api, method) not in self.made
        ]
