"""Counts attempts and answers, and lists what is wrong."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.field.attack.socketry import Attempt, Outcome

MOST_FAULTS = 30


@dataclass
class Tally:
    """Attempts and answers by kind. Several threads report here."""

    answers: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    _turn: Any = field(default_factory=threading.Lock, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_turn"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _turn=threading.Lock())

    def note(self, number: int, attempt: Attempt, outcome: Outcome, secrets: Iterable[tuple[str, str]] = ()) -> None:
        """Note an outcome. `secrets`: texts that the answer must not contain."""
        fault = outcome.fault(attempt)
        shown = [name for name, secret in secrets if secret.encode() in outcome.said]
        said = "+".join(map(str, outcome.statuses)) if len(outcome.statuses) <= 2 else "many"
        with self._turn:
            self.answers.setdefault(attempt.kind, Counter())["hung" if outcome.hung else said or "closed"] += 1
            self.slowest = max(self.slowest, (outcome.seconds, f"{attempt.kind}: {attempt.what}"))
        name = f"{attempt.kind} {number} ({attempt.what})"
        if fault:
            self.wrong(f"{name}: {fault}; sent {b''.join(attempt.pieces)[:300]!r}")
        if shown:
            self.wrong(f"{name}: the answer shows {', '.join(shown)}")

    def wrong(self, fault: str) -> None:
        with self._turn:
            if len(self.faults) < MOST_FAULTS:
                self.faults.append(fault)

    def table(self) -> str:
        rows = [("kind", "attempts", "answers")]
        for kind, answers in sorted(self.answers.items()):
            result = ", ".join(f"{number} x {status}" for status, number in answers.most_common(6))
            rows.append((kind, str(sum(answers.values())), result))
        widths = [max(len(row[at]) for row in rows) for at in (0, 1)]
        return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]}" for row in rows)
