"""One finding of `bridge doctor`, and what to do when a part of health warns or fails."""

from bridge.domain.frozen import dataclass
from bridge.monitoring.health import Status

WORDS = {Status.PASS: "ok", Status.WARN: "warn", Status.FAIL: "fail"}
OF_SYSTEM = "`bridge status` says since when; docs/operations.md, What health says"
REMEDIES = {
    "hooks": "`bridge hooks repair`; `bridge hooks list` shows each",
    "quota": "wait until the budget is renewed, raise the account's limit, sweep less often, or lower `reserved_share`",
    "store": "do what the message says; docs/store.md, A store that cannot be used",
    "waiting": "`bridge waiting`; `bridge why` with the name of a record shows its history",
    "deletion threshold": "`bridge waiting MAPPING`, then `bridge approve MAPPING` if they are intended",
    "dead letters": "`bridge dead-letters list`; correct the cause, then `bridge dead-letters retry`",
    "duplicates": "merge them at the product; `bridge why` of the record names the other one",
    "conflicts": "`bridge conflicts list`, then `bridge conflicts choose`",
    "sweeps": "`bridge reconcile --full`; the log says why the last one ended early",
    "mappings": "`bridge resume MAPPING`; correct what `bridge check` names, then SIGHUP; the same files for all",
    "columns": "`bridge check --live`, then correct the mapping or the account",
    "column changes": "`bridge check --live`, then `bridge columns accept SYSTEM` when it is as you want it",
    "references": "`bridge backfill MAPPING` of what they name; `bridge dead-letters list`",
    "verify": "`bridge verify MAPPING`, then `bridge verify MAPPING --repair`",
    "listings": "ask the vendor; the log names the listing and what is wrong with its first row",
    "instance secret": "docs/hooks.md, A new instance secret",
    "alert delivery": "`bridge alerts test`; correct the target's `url` below `alerts`",
    "callbacks listener": "raise `callbacks.max_connections` or the limit of open files",
    "admin listener": "raise the limit of open files (`ulimit -n`), then start `bridge run` again",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy`: what to do, "" for nothing. `speaks`: the text may contain a person's words, or name a record or an
    account."""

    part: str
    status: Status
    text: str
    remedy: str = ""
    speaks: bool = False

    @property
    def word(self) -> str:
        return WORDS[self.status]


def remedy_of(part: str, system: str = "") -> str:
    """Return what to do when a part of health warns or fails. A part without an entry is restarted by the bridge.
    `system`: the system that the part is about, "" for a part of the bridge itself."""
    if system:
        return OF_SYSTEM
    return REMEDIES.get(part, "the log has the reason; the bridge restarts it, or restart `bridge run`")
