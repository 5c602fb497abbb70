"""What `bridge why` says about a record, from both sides of each story."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from bridge.app.waiting import CORRECTED
from bridge.app.why import why_lines
from bridge.domain.errors import RateLimited, Rejected
from bridge.store.model import Mode
from bridge.sync.situation import Limits
from tests.product import lost_answer, raising, unreachable
from tests.sync.bench import PEOPLE, WITH_COMPANIES, Bench

NewBench = Callable[..., Awaitable[Bench]]
ANA = {"name": "Ana Lund", "email": "ana@x.example", "phone": "1"}
CREATED = "created: crm person 1 -> created erp person 1: name='Ana Lund', email='ana@x.example', phone='1'"
LINKED = "now: linked to erp person 1 (live, created in erp)"
AGREE = "shows what both sides agreed on last"


async def _linked(new_bench: NewBench, text: str = PEOPLE, **more: Any) -> Bench:
    """Ana (1) and Bo (2) on both sides, created in crm a minute ago."""
    bench = await new_bench(text, **more)
    bench.crm.person_creates("person", **ANA)
    bench.crm.person_creates("person", name="Bo", email="bo@x.example")
    await bench.settle()
    bench.clock.advance(60)
    return bench


async def created(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    await bench.tell("crm", "person", "1")
    await bench.settle()
    return bench


async def echo(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    bench.crm.person_edits("person", "1", name="Ana Berg")
    await bench.settle()
    return bench


async def matched(new_bench: NewBench) -> Bench:
    bench = await new_bench()
    bench.erp.person_creates("person", **{**ANA, "name": "A. Lund"})
    await bench.index()
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    return bench


async def conflict(new_bench: NewBench, text: str = PEOPLE) -> Bench:
    bench = await _linked(new_bench, text)
    bench.crm.person_edits("person", "1", name="Ana Crm")
    bench.erp.person_edits("person", "1", name="Ana Erp")
    await bench.settle()
    return bench


async def asked(new_bench: NewBench) -> Bench:
    return await conflict(new_bench, PEOPLE.replace("conflict: crm", "conflict: ask"))


async def deleted(new_bench: NewBench, **more: Any) -> Bench:
    bench = await _linked(new_bench, **more)
    bench.crm.person_deletes("person", "1")
    await bench.settle(30)
    return bench


async def unlinked(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    bench.erp.person_deletes("person", "1")
    await bench.settle()
    return bench


async def at_threshold(new_bench: NewBench) -> Bench:
    return await deleted(new_bench, limits=Limits(deletion_limit=0))


async def merged(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    bench.crm.person_merges("person", "1", "2")
    await bench.settle()
    return bench


async def followed(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    new = bench.crm.person_creates("person", **ANA)
    bench.missed("crm", "person", new)
    bench.crm.person_merges("person", "1", new)
    await bench.settle()
    return bench


async def waiting(new_bench: NewBench) -> Bench:
    bench = await new_bench(WITH_COMPANIES)
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("person", **ANA, company_id=company)
    bench.erp.fail = raising("before create", RateLimited("erp", "limit", 500.0))
    await bench.settle(5)
    return bench


async def dead(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    bench.erp.fail = raising("before update", Rejected("erp", "name is reserved", field="name"))
    bench.crm.person_edits("person", "1", name="Admin")
    await bench.settle()
    return bench


async def frozen(new_bench: NewBench) -> Bench:
    bench = await new_bench(PEOPLE.replace("direction: both\n", "direction: both\nwhere: {crm: {notes: ours}}\n"))
    bench.crm.person_creates("person", **ANA, notes="ours")
    bench.crm.person_creates("person", name="Bo", email="bo@x.example", notes="theirs")
    await bench.settle()
    bench.crm.person_edits("person", "1", notes="theirs", name="Ana Berg")
    await bench.settle()
    return bench


async def shadow(new_bench: NewBench) -> Bench:
    return await _linked(new_bench, mode=Mode.SHADOW)


async def duplicate(new_bench: NewBench) -> Bench:
    bench = await new_bench()
    bench.crm.person_creates("person", **ANA)
    bench.erp.person_creates("person", **ANA)
    bench.clock.advance(1)
    await bench.tell("crm", "person", "1")
    await bench.turn()
    await bench.settle()
    return bench


async def unknown_outcome(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    bench.erp.fail = lost_answer("after update")
    bench.crm.person_edits("person", "1", name="Ana Berg")
    await bench.turn_once()
    return bench


async def held(new_bench: NewBench) -> Bench:
    """It is unknown which of two equal records a lost create made."""
    bench = await new_bench(PEOPLE.replace("match: [email]", "match: none"))
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.turn_once()
    bench.erp.person_creates("person", **ANA)
    await bench.settle()
    return bench


async def never_created(new_bench: NewBench) -> Bench:
    bench = await new_bench()
    bench.erp.fail = lost_answer("before create")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    return bench


async def found(new_bench: NewBench) -> Bench:
    bench = await new_bench()
    bench.erp.fail = lost_answer("after create")
    bench.crm.person_creates("person", **ANA)
    await bench.settle()
    return bench


async def paused(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    await bench.store.mappings.set_paused("people", True, "holiday")
    bench.crm.person_edits("person", "1", name="Ana Berg")
    await bench.settle()
    return bench


async def without(new_bench: NewBench) -> Bench:
    """The company of a person is filtered."""
    text = WITH_COMPANIES.replace("match: [name]", "match: [name]\nwhere: {crm: {notes: ours}}")
    bench = await new_bench(text)
    company = bench.crm.person_creates("company", name="Acme")
    bench.crm.person_creates("person", **ANA, company_id=company)
    await bench.settle()
    return bench


async def down(new_bench: NewBench) -> Bench:
    bench = await _linked(new_bench)
    bench.erp.fail = unreachable("before read", "before probe", "before identity")
    bench.crm.person_edits("person", "1", name="Ana Berg")
    await bench.settle(30)
    return bench


Story = Mapping[tuple[str, str], Sequence[str]]
UPDATED = "updated: crm person 1 -> erp person 1: name: 'Ana Lund' -> 'Ana Berg'"
CONFLICT = ["conflict: name: both sides changed; crm wins", "name: 'Ana Erp' -> 'Ana Crm'"]
ASKED = ["name: both sides changed; the field rule says ask", "name: crm has 'Ana Crm', erp has 'Ana Erp'"]
DELETED = ["kept here", "crm person 1 was deleted -> deleted erp person 1", "not linked"]
UNLINKED = ["unlinked: erp person 1 was deleted; crm person 1 stays (unlink)", "now: not linked"]
HELD_BACK = "then run `bridge approve people`"
LEFT_OVER = "merged: crm person 1 was merged into 2, which is linked already; erp person 1 is left over"
LIVES_ON = "which survives: crm person 2, linked to erp person 2"
FROZEN = [
    "frozen: filtered: crm person 1 does not match `where`; the pair is left as it is",
    "(frozen, created in erp)",
]
DUPLICATES = "duplicate: erp person 1 and erp person 2 are the same thing made twice (crm person 1); merge them by hand"
UNKNOWN = [
    "unknown outcome: the write to erp person 1 may have taken effect",
    "due at 2026-01-05 09:01:49 UTC, attempt 2",
]
STORIES: Mapping[Callable[[NewBench], Awaitable[Bench]], Story] = {
    created: {("crm", "1"): [CREATED, LINKED, AGREE], ("erp", "1"): [CREATED, "linked to crm person 1 (live", AGREE]},
    echo: {("crm", "1"): [UPDATED, "last: updated erp.name"], ("erp", "1"): [UPDATED, AGREE]},
    matched: {
        ("crm", "1"): ["matched: erp person 1 is crm person 1: the same email", "erp person 1 (live, matched)"],
        ("erp", "1"): ["matched: erp person 1 is crm person 1: the same email", "name: 'A. Lund' -> 'Ana Lund'"],
    },
    conflict: {("crm", "1"): CONFLICT, ("erp", "1"): CONFLICT},
    asked: {("crm", "1"): ASKED, ("erp", "1"): ASKED},
    deleted: {("crm", "1"): DELETED, ("erp", "1"): DELETED},
    unlinked: {("crm", "1"): UNLINKED, ("erp", "1"): UNLINKED},
    at_threshold: {
        ("crm", "1"): ["held: delete held back", HELD_BACK, LINKED, "due at 2026-01-05 09:06:"],
        ("erp", "1"): ["held: delete held back", "next, by crm person 1: due at"],
    },
    merged: {
        ("crm", "1"): [LEFT_OVER, LIVES_ON],
        ("erp", "1"): [LEFT_OVER, "which survives: erp person 2, linked to crm person 2"],
        ("crm", "2"): [LEFT_OVER, "now: linked to erp person 2 (live"],
        ("erp", "2"): [LEFT_OVER, "now: linked to crm person 2 (live"],
    },
    followed: {
        ("crm", "1"): ["merged: crm person 1 was merged into 3; the link follows", "not linked"],
        ("crm", "3"): ["merged: crm person 1 was merged into 3; the link follows", LINKED],
        ("erp", "1"): ["merged: crm person 1 was merged into 3; the link follows", "linked to crm person 3 (live"],
    },
    waiting: {
        ("crm", "2"): ["nothing has been written", "now: not linked", "(waiting for company: companies 1)"],
    },
    dead: {
        ("crm", "1"): [
            "dead: name: erp: name is reserved",
            LINKED,
            "next: a dead letter, needs a person: name: erp:",
            f"what helps: {CORRECTED.format(retry='bridge dead-letters retry crm person 1')}",
        ],
        ("erp", "1"): [
            "dead: name: erp: name is reserved",
            "next, by crm person 1: a dead letter, needs a person",
            "then `bridge dead-letters retry crm person 1`",
        ],
    },
    frozen: {
        ("crm", "1"): FROZEN,
        ("erp", "1"): FROZEN,
        ("crm", "2"): ["nothing has been written", "last: filtered: it does not match `where`"],
    },
    shadow: {("crm", "1"): ["would create a new erp person", "filtered: the mapping is in shadow mode"]},
    duplicate: {
        ("crm", "1"): [DUPLICATES, "linked to erp person 2 (live"],
        ("erp", "1"): [DUPLICATES, "now: not linked", "filtered: a duplicate of erp person 2"],
    },
    unknown_outcome: {("crm", "1"): UNKNOWN, ("erp", "1"): UNKNOWN},
    held: {
        ("crm", "1"): [
            "dead: create outcome unknown: a new erp person may exist (1, 2)",
            "next: a dead letter, needs a person: create outcome unknown",
            "waits until then: erp person 1\n",
            "waits until then: erp person 2",
        ],
        ("erp", "2"): ["now: not linked", "crm person 1 may be the same, and is a dead letter that needs a person"],
    },
    never_created: {
        ("crm", "1"): [
            "creating a new erp person may have taken effect: erp: timed out",
            "not created: a new erp person was never created",
            CREATED,
        ],
        ("erp", "1"): [CREATED],
    },
    found: {
        ("crm", "1"): ["may have taken effect", "found: the create had taken effect: crm person 1 -> erp person 1"],
        ("erp", "1"): ["found: the create had taken effect: crm person 1 -> erp person 1"],
    },
    paused: {("crm", "1"): ["next: due at", "held up: the mapping is paused: holiday"]},
    without: {("crm", "2"): ["crossed without its reference: crm company 1 (mapping companies) is not linked yet"]},
    down: {("crm", "1"): ["connection refused", "held up: erp is down: connection refused"]},
}


@pytest.mark.parametrize("scenario", STORIES, ids=lambda scenario: scenario.__name__)
async def test_why_tells_the_true_story_on_both_sides(
    new_bench: NewBench, scenario: Callable[[NewBench], Awaitable[Bench]]
) -> None:
    bench = await scenario(new_bench)
    for (side, record_id), said in STORIES[scenario].items():
        told = "\n".join(await why_lines(bench.store, bench.parts.scopes, side, "person", record_id))
        assert told.startswith(f"{side} person {record_id} in mapping people:\n")
        at = [told.find(words) for words in said]
        assert -1 not in at, f"{said[at.index(-1)]!r} is not told: {told}"
        assert at == sorted(at), told
        if "created:" in told:
            assert "nothing has been written" not in told
