"""The state in the store, read once for the sentence and the rows of `bridge status`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bridge.app.column_rows import Row, column_rows
from bridge.store.engine import Store
from bridge.store.instances import Instance
from bridge.store.model import HookRow, MappingState, SystemRow, Task
from bridge.store.standing import OpenConflict
from bridge.store.systems import Renamed
from bridge.store.verifications import Verification


class Seen(NamedTuple):
    """`waiting`: for each mapping and code, the record that waits longest and the number of records. `changes`: the
    changes of columns that concern a mapping."""

    instances: Sequence[Instance]
    states: Mapping[str, MappingState]
    systems: Mapping[str, SystemRow]
    hooks: Sequence[HookRow]
    verified: Mapping[str, Verification]
    letters: Sequence[tuple[Task, str]]
    changes: Sequence[Row]
    renamed: Sequence[Renamed]
    conflicts: Sequence[OpenConflict]
    waiting: Sequence[tuple[Task, int]]


async def look(store: Store) -> Seen:
    """Read the state."""
    return Seen(
        instances=await store.instances.all(),
        states=await store.mappings.states(),
        systems=await store.systems.all(),
        hooks=await store.hooks.all(),
        verified=await store.verifications.last(),
        letters=await store.dead_letters.list(),
        changes=await column_rows(store),
        renamed=await store.names.renamed(),
        conflicts=await store.conflicts.waiting(),
        waiting=await store.waiting.groups(),
    )
