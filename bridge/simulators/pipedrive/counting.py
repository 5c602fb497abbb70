"""What `include_fields` adds to a record, mostly numbers of related records. They are counted when they are read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bridge.simulators.pipedrive.state import State
from bridge.simulators.records import Record

_ACTIVITY = ("activities_count", "done_activities_count", "undone_activities_count")
_OTHERS = ("files_count", "notes_count", "followers_count", "email_messages_count")
_ENDS = ("open", "closed", "won", "lost")
_OF_DEALS = tuple(f"{kind}{end}_deals_count" for end in _ENDS for kind in ("", "related_"))
_MAIL = ("last_incoming_mail_time", "last_outgoing_mail_time")
_NEXT = ("next_activity_id", "last_activity_id")

COUNTS: Mapping[str, tuple[str, ...]] = {
    "deal": (*_NEXT, *_MAIL, *_ACTIVITY, *_OTHERS, "first_won_time", "products_count", "participants_count"),
    "person": (
        *_NEXT,
        *_MAIL,
        *_ACTIVITY,
        *_OTHERS,
        *_OF_DEALS,
        *(f"participant_{end}_deals_count" for end in ("open", "closed")),
    ),
    "organization": (*_NEXT, *_ACTIVITY, *_OTHERS, *_OF_DEALS, "people_count"),
}
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "deal": (*COUNTS["deal"], "smart_bcc_email", "source_lead_id"),
    "person": (*COUNTS["person"], "smart_bcc_email", "marketing_status", "doi_status"),
    "organization": (*COUNTS["organization"], "smart_bcc_email"),
    "activity": ("attendees",),
}
"""By entity, the names that `include_fields` accepts."""


def counted_of(state: State, name: str, record: Record, wanted: Sequence[str]) -> Record:
    """The values of the wanted names, for the entity of that name."""
    counting = _Counting(state, name, record)
    return {key: counting.value(key) for key in wanted}


class _Counting:
    def __init__(self, state: State, name: str, record: Record) -> None:
        self._state, self._name, self._record = state, name, record
        self._link = "org_id" if name == "organization" else f"{name}_id"
        self._plural = f"{name}s"

    def value(self, key: str) -> object:
        if key in self._record:
            return self._record[key]
        if key == "smart_bcc_email":
            return f"{self._state.options.company_domain}+{self._name}{self._record['id']}@pipedrivemail.invalid"
        if key == "first_won_time":
            return self._record["won_time"]
        if key == "doi_status":
            return 1
        if key.endswith("_deals_count"):
            return self._deals(key)
        made = _VALUES.get(key)
        return made(self) if made is not None else (0 if key.endswith("_count") else None)

    def _of(self, plural: str) -> Iterator[Record]:
        rows = self._state.tables[plural].rows()
        return (row for _key, row in rows if row.get(self._link) == self._record["id"] and not row["is_deleted"])

    def _activities(self, done: bool | None = None) -> list[Record]:
        return [row for row in self._of("activities") if done is None or row["done"] is done]

    def _belongings(self, kind: str) -> int:
        return len(self._state.belongings.get(f"{kind} {self._plural} {self._record['id']}", ()))

    def _deals(self, key: str) -> int:
        """The number of deals with this record. Deals that are only related to it are not
        counted here: their number is 0."""
        kind, end = key.removesuffix("_deals_count").rpartition("_")[::2]
        if kind:
            return 0
        ends = ("won", "lost") if end == "closed" else (end,)
        return _number(row for row in self._of("deals") if row["status"] in ends)

    def _lines(self) -> int:
        kept = self._state.deal_products.get(str(self._record["id"]))
        return len(kept["lines"]) if kept is not None else 0

    def _nearest(self, done: bool) -> object:
        found = sorted(self._activities(done), key=lambda row: (row["due_date"] or "", row["id"]))
        return found[-1 if done else 0]["id"] if found else None


def _number(rows: Iterable[Record]) -> int:
    return sum(1 for _row in rows)


_VALUES: Mapping[str, Callable[[_Counting], object]] = {
    "activities_count": lambda it: len(it._activities()),
    "done_activities_count": lambda it: len(it._activities(True)),
    "undone_activities_count": lambda it: len(it._activities(False)),
    "notes_count": lambda it: _number(it._of("notes")),
    "people_count": lambda it: _number(it._of("persons")),
    "followers_count": lambda it: it._belongings("followers"),
    "participants_count": lambda it: it._belongings("participants") + (it._record["person_id"] is not None),
    "products_count": lambda it: it._lines(),
    "next_activity_id": lambda it: it._nearest(False),
    "last_activity_id": lambda it: it._nearest(True),
}
