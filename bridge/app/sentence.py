"""The state of everything in one sentence. The overview and the first line of `bridge status` use it."""

from bridge.app.seen import Seen
from bridge.app.verified import agreed_of, ended_early
from bridge.domain.frozen import dataclass
from bridge.store.engine import Store
from bridge.store.model import ON_PURPOSE, Mode


@dataclass(frozen=True, slots=True)
class Counted:
    """How many things are not in sync, or will not stay in sync. `stopped`: hooks that are stopped on purpose, which is
    no trouble. `pairs`: None if they were not counted. `renamed`: all names that changed at the product, if it is not
    known which of them mapping files use; otherwise those in use are part of `changes`."""

    mappings: int
    pairs: int | None = None
    refused: int = 0
    dead_letters: int = 0
    changes: int = 0
    renamed: int = 0
    missing_columns: int = 0
    conflicts: int = 0
    waiting: int = 0
    silent: int = 0
    paused: int = 0
    disagreeing: int = 0
    ended_early: int = 0
    shadow: int = 0
    missing_hooks: int = 0
    left_behind: int = 0
    stopped: int = 0


def sentence(counted: Counted) -> str:
    """Return the sentence, followed by those about hooks stopped on purpose and records left behind, if there are
    any."""
    if not counted.mappings:
        return "No mapping is set up yet."
    still = _phrase(counted.stopped, "hook is", "hooks are")
    still = f" {still} stopped on purpose; sweeps find the changes." if still else ""
    behind = _phrase(counted.left_behind, "record is", "records are")
    still += f" {behind} left behind." if behind else ""
    told = [
        _phrase(counted.refused, "problem keeps changed files out of use", "problems keep changed files out of use"),
        _phrase(counted.dead_letters, "record needs a person", "records need a person"),
        _phrase(counted.changes, "change at an account concerns a mapping", "changes at accounts concern mappings"),
        _phrase(counted.renamed, "field or option has a new name", "fields or options have new names"),
        _phrase(counted.missing_columns, "column is missing there", "columns are missing there"),
        _phrase(counted.conflicts, "conflict needs a choice", "conflicts need a choice"),
        _phrase(counted.waiting, "record waits", "records wait"),
        _phrase(counted.silent, "system does not answer", "systems do not answer"),
        _phrase(counted.paused, "mapping is paused", "mappings are paused"),
        _phrase(
            counted.disagreeing,
            "mapping differed in the last verification",
            "mappings differed in the last verification",
        ),
        _phrase(counted.ended_early, "verification ended early", "verifications ended early"),
        _phrase(counted.shadow, "mapping is in shadow mode", "mappings are in shadow mode"),
        _phrase(counted.missing_hooks, "hook is missing", "hooks are missing"),
    ]
    troubles = ", ".join(filter(None, told))
    return (f"Not everything is in sync: {troubles}." if troubles else _in_sync(counted.pairs)) + still


def _in_sync(pairs: int | None) -> str:
    if pairs is None:
        return "Everything is in sync."
    return "The one pair is in sync." if pairs == 1 else f"All {pairs:,} pairs in sync."


def _phrase(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}" if number else ""


def state_of(store: Store, seen: Seen, left_behind: int = 0) -> str:
    """Return the sentence from the state in the store, which a running bridge keeps up to date. `left_behind`: records
    that cross only after an edit or a command. Counting them takes a while, so the overview leaves them out."""
    states, verified = seen.states.values(), seen.verified.values()
    on_purpose = sum(hook.state in ON_PURPOSE for hook in seen.hooks)
    counted = Counted(
        mappings=len(states),
        dead_letters=len(seen.letters),
        changes=len(seen.changes),
        renamed=len(seen.renamed),
        missing_columns=sum(len(one.problems or ()) for one in states),
        conflicts=len(seen.conflicts),
        waiting=sum(number for _, number in seen.waiting),
        silent=sum(one.down_since is not None or bool(one.stopped) for one in seen.systems.values()),
        paused=sum(one.paused for one in states),
        disagreeing=sum(agreed_of(one) is False for one in verified),
        ended_early=sum(bool(ended_early(one)) for one in verified),
        shadow=sum(one.mode is Mode.SHADOW and not one.paused for one in states),
        missing_hooks=sum(hook.state != "registered" for hook in seen.hooks) - on_purpose,
        stopped=on_purpose,
        left_behind=left_behind,
    )
    said = sentence(counted)
    if any(one.runs(store.now()) for one in seen.instances):
        return said
    if any(store.instances.is_mute(one) for one in seen.instances):
        return f"The store takes no writes: `bridge doctor` says why. By what it took last: {said}"
    return f"No bridge runs. By what the last one noted: {said}"
