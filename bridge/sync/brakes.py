"""What stops the bridge before it does harm: the loop alarm and the brake on deletes, archives and blanked fields."""

from collections.abc import Mapping
from typing import Any

from bridge.domain.record import Side
from bridge.mapping.values import is_empty
from bridge.store.model import Completion, Link
from bridge.sync.work import Work


async def before_write(work: Work, link: Link, target: Side, chosen: Mapping[str, Any]) -> Completion | None:
    """A completion that parks the task instead of writing, or None when the write may go on."""
    limits = work.parts.limits
    if work.now() - link.window_at < limits.loop_window_seconds and link.writes >= limits.loop_writes:
        fields = ", ".join(sorted(chosen))
        return work.dead(
            f"loop alarm: {work.named(target, link.rec(target))} was written {link.writes} times within "
            f"{limits.loop_window_seconds:.0f} s and {fields} still changes; see what else writes this field, "
            "then retry the dead letter"
        )
    if any(is_empty(value) for value in chosen.values()):
        return await before_removal(work, link, "blank")
    return None


def counted(work: Work, link: Link) -> dict[str, Any]:
    """The link's columns after one more write, for the loop alarm."""
    if work.now() - link.window_at >= work.parts.limits.loop_window_seconds:
        return {"writes": 1, "window_at": work.now()}
    return {"writes": link.writes + 1, "window_at": link.window_at}


async def before_removal(work: Work, link: Link, kind: str) -> Completion | None:
    """The brake counts what removes data, whatever its origin, per mapping in a sliding window."""
    limits = work.parts.limits
    state = (await work.store.mappings.states()).get(work.mapping.name)
    if state and state.approved_until is not None and work.now() < state.approved_until:
        return None
    count = await work.store.brakes.count(work.mapping.name, work.now() - limits.brake_window_seconds)
    if count < limits.brake_count:
        return None
    reason = (
        f"brake: {count} deletes, archives or blanked fields in {limits.brake_window_seconds:.0f} s; "
        f"check them, then run `bridge approve {work.mapping.name}`"
    )
    work.say("braked", f"{kind} held back; {reason}", link=link)
    return work.later(work.now() + limits.wait_seconds, reason)
