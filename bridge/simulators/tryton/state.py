"""The database: options, records by model, sessions, failed logins."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.simulators.records import Record, Table
from bridge.simulators.tryton.models import MODELS
from bridge.simulators.world import World

GONE = "_gone"
ADMIN, PERSON = 1, 2
USERS = {0: "Root", ADMIN: "Bridge", PERSON: "Pat Person"}
"""Users by id, with the names that records show: the server, the user of our session, and a person."""


@dataclass(frozen=True)
class Options:
    """Credentials and behaviour. `max_attempt`, `timeout` (seconds): of the login guard. `numbered_booleans`: 1 and 0
    instead of true and false, as on SQLite. `log_readable`: the user may read the log of changes. `users_readable`: the
    user may read other users, which no record rule hides."""

    database: str = "sandbox"
    user: str = "bridge"
    password: str = "sandbox-password"  # noqa: S105 - the simulator's own
    max_attempt: int = 5
    timeout: float = 300.0
    numbered_booleans: bool = True
    log_readable: bool = True
    users_readable: bool = True
    control: bool = True


@dataclass
class State:
    """Everything that the database holds. `sessions`: valid keys. `failures`: the times of failed logins."""

    world: World
    options: Options
    tables: dict[str, Table] = field(default_factory=dict)
    last_id: dict[str, int] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    failures: list[float] = field(default_factory=list)

    def next_id(self, model: str) -> int:
        self.last_id[model] = self.last_id.get(model, 0) + 1
        return self.last_id[model]

    def get(self, model: str, record_id: object, lag: float = 0.0) -> Record | None:
        record = self.tables[model].get(str(record_id), lag)
        return None if record is None or GONE in record else record

    def rows(self, model: str, lag: float = 0.0) -> Iterator[Record]:
        """All records, in order of their ids."""
        return (record for _key, record in self.tables[model].rows(lag) if GONE not in record)

    def put(self, model: str, record: Record) -> None:
        self.tables[model].put(str(record["id"]), record)

    def children(self, model: str, inverse: str, record_id: int, lag: float = 0.0) -> list[Record]:
        """The children of a one2many, in order of their `sequence`."""
        own = [row for row in self.rows(model, lag) if row[inverse] == record_id]
        return sorted(own, key=lambda row: (row.get("sequence") is not None, row.get("sequence") or 0, row["id"]))

    def seed(self, model: str, **values: Any) -> int:
        """Add a record that existed from the start."""
        record_id = self.next_id(model)
        fields = {name: each.default for name, each in MODELS[model].fields.items()}
        now = self.world.clock.now()
        made = {"create_date": now, "create_uid": 0, "write_date": None, "write_uid": None}
        self.put(model, {"id": record_id, **fields, **values, **made})
        return record_id


def seeded_state(world: World, options: Options) -> State:
    """A fresh database: one company with one employee, two currencies, some countries, languages and units, a tax."""
    state = State(world, options)
    for model in MODELS:
        state.tables[model] = Table(world.clock)
    euro = state.seed("currency.currency", name="Euro", code="EUR")
    state.seed("currency.currency", name="Norwegian Krone", code="NOK")
    for code, name in (("DE", "Germany"), ("NO", "Norway"), ("US", "United States")):
        state.seed("country.country", code=code, name=name)
    for name in ("Company", "Person"):
        state.seed("party.category", name=name)
    for code, name in (("en", "English"), ("de", "German")):
        state.seed("ir.lang", code=code, name=name)
    for name, symbol, digits in (("Unit", "u", 0), ("Hour", "h", 2), ("Kilogram", "kg", 2)):
        state.seed("product.uom", name=name, symbol=symbol, digits=digits)
    state.seed("account.tax", name="VAT", rate=Decimal("0.25"))
    # Company and employee have no party of their own, so that a new account has no parties.
    company = state.seed("company.company", currency=euro)
    state.seed("company.employee", company=company)
    return state
