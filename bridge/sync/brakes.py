"""What stops the bridge before it does harm: the loop alarm and the brake on deletes, archives and blanked fields."""

from collections.abc import Iterable
from typing import Any

from bridge.domain.record import Side
from bridge.store.failures import BrakeReached
from bridge.store.model import Completion, Link
from bridge.sync.work import Work

BRAKED = "brake:"


def loop_alarm(work: Work, link: Link, target: Side, fields: Iterable[str]) -> Completion | None:
    """A completion that parks a pair that keeps changing, or None when it may be written once more."""
    limits = work.parts.limits
    recent = work.now() - link.window_at < limits.loop_window_seconds
    if work.retried or not recent or link.writes < limits.loop_writes:
        return None
    return work.dead(
        f"loop alarm: {work.named(target, link.rec(target))} was written {link.writes} times within "
        f"{limits.loop_window_seconds:.0f} s and {', '.join(sorted(fields))} still changes; see what else writes this "
        "field, then retry the dead letter"
    )


def counted(work: Work, link: Link) -> dict[str, Any]:
    """The link's columns after one more write, for the loop alarm; a person's retry begins a new count."""
    if work.retried or work.now() - link.window_at >= work.parts.limits.loop_window_seconds:
        return {"writes": 1, "window_at": work.now()}
    return {"writes": link.writes + 1, "window_at": link.window_at}


def held_back(work: Work, link: Link, kind: str, reached: BrakeReached) -> Completion:
    """The brake counts what removes data, whatever its origin, per mapping in a sliding window."""
    limits = work.parts.limits
    reason = (
        f"{BRAKED} {reached.hits} deletes, archives or blanked fields in {limits.brake_window_seconds:.0f} s; "
        f"check them, then run `bridge approve {work.mapping.name}`"
    )
    if not work.claim.tasks[0].reason.startswith(BRAKED):
        work.say("braked", f"{kind} held back; {reason}", link=link)
    return work.later(work.now() + limits.wait_seconds, reason)
