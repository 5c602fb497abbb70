"""What to do about one system's registrations: wanted against seen. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.address import Addresses
from bridge.domain.callback import HookSpec, SeenHook


@dataclass(frozen=True, slots=True)
class Difference:
    """`keep`: key -> the hook that stays. `remove`: ours, but old, doubled, stopped or unwanted."""

    keep: Mapping[str, SeenHook]
    missing: Sequence[HookSpec]
    remove: Sequence[SeenHook]


def compare(system: str, wanted: Sequence[HookSpec], seen: Sequence[SeenHook], addresses: Addresses) -> Difference:
    """Only hooks whose URL carries our token are ours; all others are left alone."""
    by_key = {spec.key: spec for spec in wanted}
    keep: dict[str, SeenHook] = {}
    remove: list[SeenHook] = []
    for hook in sorted(seen, key=lambda hook: (len(hook.id), hook.id)):
        mine = addresses.ours(hook.url)
        if mine is None or mine[0] != system:
            continue
        key = mine[1]
        right = key in by_key and hook.active and hook.key in (None, key) and hook.url == addresses.url(system, key)
        if right and key not in keep:
            keep[key] = hook
        else:
            remove.append(hook)
    missing = [spec for spec in wanted if spec.key not in keep]
    return Difference(keep, missing, remove)
