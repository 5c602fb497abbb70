"""How the file descriptors of the process are shared, so that strangers' connections leave enough for all else."""

import resource

from bridge.domain.values import dataclass

RESERVE = 200
"""For the store (two files and their logs, or twelve connections), outgoing calls, the admin listener and files."""

ADMIN = 32
OUTGOING = 100


@dataclass(frozen=True, slots=True)
class Shares:
    """Most open connections of each kind. `limit`: descriptors the process may have."""

    limit: int
    callbacks: int
    admin: int
    outgoing: int


def shares(wanted: int, limit: int | None = None) -> Shares:
    """Shares of `limit` descriptors (None: those of this process), with `wanted` for callbacks where they fit."""
    if limit is None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = soft if soft != resource.RLIM_INFINITY else wanted + RESERVE
    return Shares(
        limit=limit,
        callbacks=max(1, min(wanted, max(limit - RESERVE, limit // 4))),
        admin=max(2, min(ADMIN, limit // 8)),
        outgoing=max(2, min(OUTGOING, limit // 5)),
    )
