"""Divides the file descriptors of the process, so that connections of strangers leave enough for everything else."""

import resource

from bridge.domain.frozen import dataclass

RESERVE = 200
"""For the store (two files and their logs, or twelve connections), outgoing calls, the admin listener and files."""

ADMIN = 32
OUTGOING = 100


@dataclass(frozen=True, slots=True)
class Shares:
    """The highest number of open connections of each kind. `limit`: how many descriptors the process may have."""

    limit: int
    callbacks: int
    admin: int
    outgoing: int


def shares(wanted: int, limit: int | None = None) -> Shares:
    """Return the shares of `limit` descriptors (None: this process's limit). `callbacks` is `wanted` if that fits."""
    if limit is None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = soft if soft != resource.RLIM_INFINITY else wanted + RESERVE
    return Shares(
        limit=limit,
        callbacks=max(1, min(wanted, max(limit - RESERVE, limit // 4))),
        admin=max(2, min(ADMIN, limit // 8)),
        outgoing=max(2, min(OUTGOING, limit // 5)),
    )
