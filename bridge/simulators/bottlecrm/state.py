"""The organisation: options, records, hooks, tokens."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.simulators.records import Record, Table
from bridge.simulators.world import World, utc

GONE = "_gone"
ENTITIES = ("accounts", "contacts", "opportunities", "leads")
STAGES = (
    ("PROSPECTING", "Prospecting", "open"),
    ("QUALIFICATION", "Qualification", "open"),
    ("PROPOSAL", "Proposal", "open"),
    ("NEGOTIATION", "Negotiation", "open"),
    ("CLOSED_WON", "Closed Won", "won"),
    ("CLOSED_LOST", "Closed Lost", "lost"),
)


@dataclass(frozen=True)
class Options:
    """Credentials and behaviour. `retry_delays`: the vendor's seconds, divided by `time_scale`."""

    access_token: str = "bcrm_pat_sandbox"  # noqa: S105 - the simulator's own
    admin_refresh_token: str = "sandbox-refresh"  # noqa: S105
    access_seconds: float = 3600.0
    hook_limit: int = 10
    callback_timeout: float = 10.0
    retry_delays: tuple[float, ...] = (60.0, 300.0, 1800.0, 7200.0, 21600.0)
    time_scale: float = 1.0
    control: bool = True


@dataclass
class State:
    """`access`: an administrator's tokens and when they expire. `refresh`: the only valid refresh token."""

    world: World
    options: Options
    organisation: str = ""
    pipeline: str = ""
    refresh: str = ""
    tables: dict[str, Table] = field(default_factory=dict)
    hooks: dict[str, Record] = field(default_factory=dict)
    access: dict[str, float] = field(default_factory=dict)

    def now_text(self) -> str:
        """The present time in the API's format."""
        return utc(self.world.clock.now()).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def get(self, entity: str, record_id: object, lag: float = 0.0) -> Record | None:
        record = self.tables[entity].get(str(record_id), lag)
        return None if record is None or GONE in record else record

    def rows(self, entity: str, lag: float = 0.0) -> Iterator[Record]:
        return (record for _key, record in self.tables[entity].rows(lag) if GONE not in record)


def seeded_state(world: World, options: Options) -> State:
    """A new organisation with the pipeline that each one starts with."""
    state = State(world, options, world.new_id(), world.new_id(), options.admin_refresh_token)
    for entity in ENTITIES:
        state.tables[entity] = Table(world.clock)
    return state


def pipelines(state: State) -> list[dict[str, Any]]:
    stages = [
        {"id": f"{number:08}-0000-4000-8000-000000000000", "code": code, "label": label, "order": number, "kind": kind}
        for number, (code, label, kind) in enumerate(STAGES, 1)
    ]
    return [{"id": state.pipeline, "name": "Sales", "is_default": True, "stages": stages}]
