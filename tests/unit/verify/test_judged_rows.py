"""A row of a listing may show that its pair need not be read, but only if reading it would find nothing to do."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.record import Fields, Record, RecordRef, Side
from bridge.mapping.load import load_text
from bridge.mapping.merge import FieldBase, dump_base
from bridge.mapping.translate import read
from bridge.store.model import Endpoint, Link, LinkState, Mode, Scope
from bridge.sync.shadow import State, draft_of, verdict
from bridge.verify.rows import judge_row, kept_of_base, money_of_base
from tests.product import manifest

TEXT = """
mapping: people
sides: {crm: fake person, erp: fake person}
direction: both
match: [email]
conflict: crm
fields:
  name:   {crm: name, erp: name}
  phone:  {crm: phone, erp: phone, from: crm, absent: keep}
  email:  {crm: email, erp: email, conflict: ask}
  notes:  {erp: notes, value: from crm, set: always}
  amount: {type: money, crm: {amount: amount}, erp: {amount: amount}, currency: NOK, from: erp}
"""
(PEOPLE,) = load_text(TEXT, "test.yaml")
ENDS = {side: Endpoint(name, "person") for side, name in ((Side.LEFT, "crm"), (Side.RIGHT, "erp"))}
SCOPES = {"people": Scope("people", "f", "m", Mode.LIVE, ENDS[Side.LEFT], ENDS[Side.RIGHT])}
FACTS = {side: manifest().entities["person"] for side in Side}
WORDS = st.sampled_from(["a", "A ", "b", "", None])
ROWS = st.fixed_dictionaries(
    {
        "name": WORDS,
        "phone": WORDS,
        "email": WORDS,
        "notes": st.sampled_from(["from crm", "mine"]),
        "amount": st.sampled_from([None, 1, "1.00", 2, "no number"]),
    }
)
NAMES = frozenset(row.name for row in PEOPLE.fields)


def pair(agreed: dict[Side, Fields], without: frozenset[str]) -> Link:
    """Return a pair whose sides showed these rows when they were last in sync, without the fields that never agreed."""
    readings = {side: read(PEOPLE, side, agreed[side]) for side in Side}
    left, right = readings[Side.LEFT], readings[Side.RIGHT]
    base = {
        row.name: FieldBase(
            left.values[row.name],
            right.values[row.name],
            left.hashes.get(row.name),
            right.hashes.get(row.name),
            row.fingerprint,
            row.columns_fingerprint,
        )
        for row in PEOPLE.fields
        if row.name not in without
    }
    return Link(1, "people", "1", "2", LinkState.LIVE, "matched", 1, base=dump_base(PEOPLE, base))


def looked_at(link: Link, shown: dict[Side, Fields]) -> Any:
    records = {side: Record(RecordRef(ENDS[side].system, "person", "1"), shown[side]) for side in Side}
    now = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
    draft = draft_of(PEOPLE, SCOPES, FACTS, link, now, {})
    draft.claim = type(draft.claim)(**{**_fields(draft.claim), "known": {one.ref: None for one in records.values()}})
    return verdict(draft, link, records)


def _fields(claim: Any) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in claim.__dataclass_fields__}


@given(
    agreed=st.fixed_dictionaries(dict.fromkeys(Side, ROWS)),
    edits=st.fixed_dictionaries({side: st.sets(st.sampled_from(sorted(NAMES))) for side in Side}),
    new=st.fixed_dictionaries(dict.fromkeys(Side, ROWS)),
    without=st.frozensets(st.sampled_from(sorted(NAMES)), max_size=1),
)
def test_a_pair_that_need_not_be_read_needs_no_write(
    agreed: dict[Side, Fields], edits: dict[Side, set[str]], new: dict[Side, Fields], without: frozenset[str]
) -> None:
    link = pair(agreed, without)
    shown: dict[Side, Fields] = {
        side: {name: (new if name in edits[side] else agreed)[side][name] for name in agreed[side]} for side in Side
    }
    judged = {side: judge_row(PEOPLE, side, shown[side], read(PEOPLE, side, shown[side]), link, NAMES) for side in Side}
    if any(one.look for one in judged.values()):
        return
    found = looked_at(link, shown)
    assert found.state is State.EQUAL, found.fields
    kept = {name for one in judged.values() for name in one.drifted} | set(kept_of_base(PEOPLE, link))
    assert set(found.kept) <= kept
    assert dict(found.money) == dict(money_of_base(PEOPLE, link, ["amount"]))


@given(ROWS)
def test_a_pair_that_shows_its_base_is_never_read(row: Fields) -> None:
    """A value that cannot be read needs no read either, if both sides agreed on it."""
    link = pair(dict.fromkeys(Side, row), frozenset())
    for side in Side:
        assert not judge_row(PEOPLE, side, row, read(PEOPLE, side, row), link, NAMES).look


def test_a_pair_with_columns_missing_in_the_listing_is_read() -> None:
    row = {"name": "a", "phone": "b", "email": None, "notes": "from crm", "amount": 1}
    link = pair(dict.fromkeys(Side, row), frozenset())
    short = {name: value for name, value in row.items() if name != "phone"}
    reading = read(PEOPLE, Side.RIGHT, short)
    assert judge_row(PEOPLE, Side.RIGHT, short, reading, link, NAMES).look
    assert not judge_row(PEOPLE, Side.RIGHT, short, reading, link, NAMES - {"phone"}).look
