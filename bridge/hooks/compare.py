"""Compares the wanted registrations of one system with those that the vendor shows. Pure."""

from collections.abc import Collection, Mapping, Sequence

from bridge.domain.address import Addresses
from bridge.domain.callback import HookSpec, SeenHook
from bridge.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class HookPolicy:
    """What the settings say about a system's hooks. `off`: keys of hooks that must not exist. `respect`: a hook that
    was deactivated at the vendor stays so."""

    off: frozenset[str] = frozenset()
    respect: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What must change. `keep`: key -> the hook that stays. `remove`: hooks of the bridge that are old, registered
    twice, stopped or not wanted. `deactivated`: key -> the hook that was deactivated at the vendor and stays so."""

    keep: Mapping[str, SeenHook]
    missing: Sequence[HookSpec]
    remove: Sequence[SeenHook]
    deactivated: Mapping[str, SeenHook]


def compare(
    system: str,
    wanted: Sequence[HookSpec],
    seen: Sequence[SeenHook],
    addresses: Addresses,
    respected: Collection[str] = (),
) -> Difference:
    """Return what must change. Only hooks whose URL contains our token are ours; all others are left alone.

    respected: keys of hooks that stay deactivated if a person deactivated them at the vendor.
    """
    by_key = {spec.key: spec for spec in wanted}
    keep: dict[str, SeenHook] = {}
    deactivated: dict[str, SeenHook] = {}
    remove: list[SeenHook] = []
    for hook in sorted(seen, key=lambda hook: (len(hook.id), hook.id)):
        mine = addresses.ours(hook.url)
        if mine is None or mine[0] != system:
            continue
        key = mine[1]
        right = key in by_key and hook.active and hook.key in (None, key) and hook.url == addresses.url(system, key)
        if right and key not in keep:
            keep[key] = hook
        elif hook.by_hand and not hook.active and key in by_key and key in respected and key not in deactivated:
            deactivated[key] = hook
        else:
            remove.append(hook)
    remove += [deactivated.pop(key) for key in sorted(deactivated.keys() & keep.keys())]
    missing = [spec for spec in wanted if spec.key not in keep and spec.key not in deactivated]
    return Difference(keep, missing, remove, deactivated)
