"""HttpClient: what is repeated, what waits, and which error is raised."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from http_fakes import FakeClock, ScriptedTransport, answer, fake_seams

from bridge.connectors.calls import Answer, Call, Pause, Words
from bridge.connectors.gate import Gate
from bridge.connectors.http import HttpClient, with_headers
from bridge.connectors.noting import requests_noted
from bridge.connectors.protocols import HttpRequest, TransportFailed
from bridge.connectors.quota import Quota
from bridge.domain.errors import (
    NeedsAuthorisation,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RemoteError,
    RetryLater,
    Unreachable,
)
from bridge.domain.priority import Priority, calls_for, purpose

READ = Call("GET", "things/1", template="things/:id")
WRITE = Call("POST", "things", json={"name": "x"})


@dataclass
class TokenDialect:
    token: str = "old"
    renews_to: str | None = "new"
    renewals: int = 0
    pauses: list[Pause | None] = field(default_factory=list)

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, {"authorization": f"Bearer {self.token}"})

    async def renew(self, refused: HttpRequest) -> bool:
        if refused.headers["authorization"] != f"Bearer {self.token}":
            return True
        if self.renews_to is None:
            return False
        self.renewals += 1
        await asyncio.sleep(0)
        self.token = self.renews_to
        return True

    def pause(self, answer: Answer) -> Pause | None:
        return self.pauses.pop(0) if self.pauses else None

    def words(self, answer: Answer) -> Words:
        said = answer.loose_json()
        return Words(said["error"], said.get("field")) if isinstance(said, dict) else Words("no words")

    def failure(self, answer: Answer, words: Words) -> RemoteError | None:
        return Unreachable("crm1", "closed for the night") if words.message == "night" else None


@dataclass
class Bench:
    clock: FakeClock
    transport: ScriptedTransport = field(default_factory=ScriptedTransport)
    dialect: TokenDialect = field(default_factory=TokenDialect)
    seen: list[tuple[str, str, int, float]] = field(default_factory=list)

    def client(self, at_once: int = 4) -> HttpClient:
        seams = fake_seams(self.clock)
        gate = Gate("crm1", Quota(at_once), self.clock)
        observe = lambda *row: self.seen.append(row)  # noqa: E731 - shorter than a def here
        return HttpClient(
            "crm1", "https://x.example/api/", self.transport, seams, self.dialect, gate=gate, observe=observe
        )


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


async def test_a_call_is_authorised_joined_to_the_base_address_and_observed(bench: Bench) -> None:
    bench.transport.steps = [answer(200, {"ok": True})]
    got = await bench.client().send(Call("GET", "/things", query=[("a", "1")]))
    (sent,) = bench.transport.requests
    assert got.json() == {"ok": True}
    assert (sent.url, sent.query, sent.body) == ("https://x.example/api/things", (("a", "1"),), None)
    assert sent.headers["authorization"] == "Bearer old"
    assert [row[:3] for row in bench.seen] == [("GET", "/things", 200)]


async def test_a_read_is_tried_three_times_on_server_errors_with_growing_waits(bench: Bench) -> None:
    bench.transport.steps = [answer(500), answer(503), answer(200, [])]
    assert (await bench.client().send(READ)).json() == []
    assert len(bench.clock.slept) == 2
    assert 0.25 <= bench.clock.slept[0] <= 0.75
    assert 0.5 <= bench.clock.slept[1] <= 1.5


async def test_a_read_that_keeps_failing_is_retried_later(bench: Bench) -> None:
    bench.transport.steps = [answer(502)] * 3
    with pytest.raises(RetryLater, match=r"GET things/:id was answered with 502"):
        await bench.client().send(READ)


async def test_a_lost_read_is_repeated_and_then_unreachable(bench: Bench) -> None:
    bench.transport.steps = [TransportFailed("connection lost", sent=True)] * 3
    with pytest.raises(Unreachable, match="connection lost"):
        await bench.client().send(READ)
    assert len(bench.transport.requests) == 3


async def test_a_read_that_used_up_its_time_is_not_repeated(bench: Bench) -> None:
    async def slow(request: HttpRequest) -> None:
        bench.clock.seconds += request.timeout_seconds

    bench.transport.before = slow
    bench.transport.steps = [TransportFailed("no answer within 30 s", sent=True)]
    with pytest.raises(Unreachable):
        await bench.client().send(READ)
    assert len(bench.transport.requests) == 1


@pytest.mark.parametrize("step", [TransportFailed("timeout", sent=True), answer(500), answer(504, b"<html>")])
async def test_a_write_of_unknown_outcome_is_never_repeated(bench: Bench, step: object) -> None:
    bench.transport.steps = [step]  # type: ignore[list-item]
    with pytest.raises(OutcomeUnknown):
        await bench.client().send(WRITE)
    assert len(bench.transport.requests) == 1


async def test_a_write_that_never_left_had_no_effect(bench: Bench) -> None:
    bench.transport.steps = [TransportFailed("cannot connect", sent=False)]
    with pytest.raises(Unreachable):
        await bench.client().send(WRITE)


async def test_a_post_that_only_reads_is_repeated(bench: Bench) -> None:
    bench.transport.steps = [answer(500), answer(200, [])]
    await bench.client().send(Call("POST", "search", json={}, reads=True))
    assert len(bench.transport.requests) == 2


async def test_an_expired_token_is_renewed_once_and_the_write_repeated(bench: Bench) -> None:
    bench.transport.steps = [answer(401), answer(201, {"id": 1})]
    assert (await bench.client().send(WRITE)).json() == {"id": 1}
    assert [request.headers["authorization"] for request in bench.transport.requests] == ["Bearer old", "Bearer new"]


async def test_calls_that_meet_the_same_expired_token_share_one_renewal(bench: Bench) -> None:
    def reply(request: HttpRequest) -> object:
        return answer(200, 1) if request.headers["authorization"] == "Bearer new" else answer(401)

    bench.transport.steps = [reply] * 10  # type: ignore[list-item]
    client = bench.client()
    got = await asyncio.gather(*(client.send(READ) for _ in range(5)))
    assert [one.status for one in got] == [200] * 5
    assert bench.dialect.renewals == 1


async def test_a_renewed_token_that_expired_as_well_is_renewed_again(bench: Bench) -> None:
    bench.transport.steps = [answer(401), answer(401), answer(201, {"id": 1})]
    assert (await bench.client().send(WRITE)).json() == {"id": 1}


async def test_a_token_that_is_refused_after_two_renewals_needs_a_person(bench: Bench) -> None:
    bench.transport.steps = [answer(401), answer(401), answer(401, {"error": "token revoked"})]
    with pytest.raises(NeedsAuthorisation, match="token revoked"):
        await bench.client().send(READ)
    assert len(bench.transport.requests) == 3


async def test_without_anything_to_renew_a_401_is_not_repeated(bench: Bench) -> None:
    bench.dialect.renews_to = None
    bench.transport.steps = [answer(401)]
    with pytest.raises(NeedsAuthorisation):
        await bench.client().send(READ)


async def test_429_makes_every_call_wait_and_long_waits_are_reported_at_once(bench: Bench) -> None:
    bench.transport.steps = [answer(429, retry_after="30"), answer(200, [])]
    client = bench.client()
    with pytest.raises(RateLimited) as first:
        await client.send(WRITE)
    with pytest.raises(RateLimited) as second:
        await client.send(READ)
    assert (first.value.after_seconds, second.value.after_seconds) == (30, 30)
    assert len(bench.transport.requests) == 1
    bench.clock.seconds += 30
    assert (await client.send(READ)).status == 200


@pytest.mark.parametrize("odd", ["315360000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_one_odd_answer_never_stops_a_system_for_longer_than_an_hour(bench: Bench, odd: str) -> None:
    bench.transport.steps = [answer(429, retry_after=odd), answer(200, [])]
    client = bench.client()
    with pytest.raises(RateLimited) as told:
        await client.send(READ)
    assert told.value.after_seconds <= 3600
    bench.clock.seconds += 3600
    assert (await client.send(READ)).status == 200


async def test_after_a_long_pause_one_call_goes_alone_and_decides_for_the_others(bench: Bench) -> None:
    """The waiting calls do not all reach the vendor at once."""
    bench.transport.steps = [answer(429, retry_after="600"), answer(429, retry_after="600"), *[answer(200, [])] * 4]
    client = bench.client()
    with pytest.raises(RateLimited):
        await client.send(READ)

    async def under_way(request: HttpRequest) -> None:
        await asyncio.sleep(0)

    bench.transport.before = under_way
    bench.clock.seconds += 600
    told = await asyncio.gather(*(client.send(READ) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(one, RateLimited) for one in told)
    assert len(bench.transport.requests) == 2
    bench.clock.seconds += 600
    assert [one.status for one in await asyncio.gather(*(client.send(READ) for _ in range(4)))] == [200] * 4


async def test_short_pauses_are_slept_through(bench: Bench) -> None:
    bench.dialect.pauses = [Pause(1.5)]
    bench.transport.steps = [answer(200, 1), answer(200, 2)]
    client = bench.client()
    await client.send(READ)
    assert (await client.send(READ)).json() == 2
    assert bench.clock.slept == [1.5]


async def test_a_used_up_daily_budget_is_reported_as_such(bench: Bench) -> None:
    bench.dialect.pauses = [Pause(3600, daily=True)]
    bench.transport.steps = [answer(429)]
    with pytest.raises(RateLimited) as caught:
        await bench.client().send(READ)
    assert (caught.value.daily, caught.value.after_seconds) == (True, 3600)


async def test_a_shorter_pause_never_shortens_a_longer_one(bench: Bench) -> None:
    async def both_are_on_their_way(request: HttpRequest) -> None:
        await asyncio.sleep(0)

    bench.transport.before = both_are_on_their_way
    bench.dialect.pauses = [Pause(100), Pause(2)]
    bench.transport.steps = [answer(429), answer(429)]
    client = bench.client()
    await asyncio.gather(client.send(READ), client.send(READ), return_exceptions=True)
    with pytest.raises(RateLimited) as caught:
        await client.send(READ)
    assert caught.value.after_seconds == 100


async def test_a_refusal_carries_the_vendors_words_field_and_status(bench: Bench) -> None:
    bench.transport.steps = [answer(422, {"error": "too long", "field": "name"})]
    with pytest.raises(Rejected) as caught:
        await bench.client().send(WRITE)
    assert (caught.value.field, caught.value.status) == ("name", 422)
    assert "too long" in str(caught.value)


async def test_accepted_statuses_come_back_and_others_do_not(bench: Bench) -> None:
    bench.transport.steps = [answer(404), answer(404, {"error": "gone"})]
    client = bench.client()
    assert (await client.send(Call("GET", "a", accept=frozenset({404})))).status == 404
    with pytest.raises(Rejected) as caught:
        await client.send(Call("GET", "a"))
    assert caught.value.status == 404


async def test_an_accepted_401_renews_nothing(bench: Bench) -> None:
    bench.transport.steps = [answer(401)]
    assert (await bench.client().send(Call("GET", "a", accept=frozenset({401})))).status == 401
    assert bench.dialect.renewals == 0


async def test_the_error_of_a_redirect_says_to_check_the_address(bench: Bench) -> None:
    bench.transport.steps = [answer(302, location="https://elsewhere.example/?token=s3cret")]
    with pytest.raises(Unreachable, match="check the base URL") as caught:
        await bench.client().send(READ)
    assert "s3cret" not in str(caught.value)


async def test_the_connectors_meaning_of_a_status_wins(bench: Bench) -> None:
    bench.transport.steps = [answer(409, {"error": "night"})]
    with pytest.raises(Unreachable, match="closed for the night"):
        await bench.client().send(WRITE)


async def test_an_answer_that_is_not_json_is_retried_on_a_read_and_unknown_on_a_write(bench: Bench) -> None:
    bench.transport.steps = [answer(200, b"<html>"), answer(200, b"\xff\xfe")]
    client = bench.client()
    read, write = await client.send(READ), await client.send(WRITE)
    with pytest.raises(RetryLater):
        read.json()
    with pytest.raises(OutcomeUnknown):
        write.json()


async def test_errors_and_reprs_show_neither_token_nor_query_nor_body(bench: Bench) -> None:
    bench.transport.steps = [answer(400, b"echo s3cret-body")]
    call = Call("POST", "a", query=[("key", "s3cret-query")], json={"p": "s3cret-json"})
    with pytest.raises(Rejected) as caught:
        await bench.client().send(call)
    shown = f"{caught.value} {call!r} {bench.transport.requests[0]!r}"
    assert "s3cret" not in shown
    assert "Bearer" not in shown


async def test_no_more_calls_run_at_once_than_allowed(bench: Bench) -> None:
    running, most = 0, 0

    async def count(request: HttpRequest) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1

    bench.transport.before = count
    bench.transport.steps = [answer(200)] * 9
    client = bench.client(at_once=2)
    await asyncio.gather(*(client.send(READ) for _ in range(9)))
    assert most == 2


async def test_the_wait_for_a_place_among_the_calls_has_an_end(bench: Bench) -> None:
    answered = asyncio.Event()

    async def unanswered(request: HttpRequest) -> None:
        await answered.wait()

    bench.transport.before = unanswered
    bench.transport.steps = [answer(200), answer(200)]
    client = bench.client(at_once=1)
    first = asyncio.create_task(client.send(READ))
    await asyncio.sleep(0)
    with pytest.raises(Unreachable, match=r"waited 0.01 s for earlier calls"):
        await client.send(replace(WRITE, timeout_seconds=0.01))
    answered.set()
    await first
    await client.send(READ)  # the place that was waited for is not lost


async def test_calls_wait_in_line_for_a_slow_vendor(bench: Bench) -> None:
    async def slow(request: HttpRequest) -> None:
        await asyncio.sleep(0.03)

    bench.transport.before = slow
    bench.transport.steps = [answer(200)] * 5
    client = bench.client(at_once=1)
    in_line = replace(READ, timeout_seconds=0.06)  # the last waits for 0.12 s
    answers = await asyncio.gather(*(client.send(in_line) for _ in range(5)))
    assert [one.status for one in answers] == [200] * 5


class WithoutTurns(Gate):
    """A gate that gives a backfill no turn for now."""

    @asynccontextmanager
    async def turn(self, call: Call) -> AsyncIterator[int]:
        if purpose().priority is Priority.BACKFILL:
            await asyncio.Event().wait()
        async with super().turn(call) as units:
            yield units


async def test_with_one_call_at_a_time_a_live_call_does_not_wait_for_one_without_a_turn(clock: FakeClock) -> None:
    transport = ScriptedTransport([answer(201, {}), answer(201, {})])
    under_way, most = 0, 0

    async def before(_request: HttpRequest) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    transport.before = before
    gate = WithoutTurns("crm1", Quota(4), clock)
    client = HttpClient("crm1", "https://x.example", transport, fake_seams(clock), TokenDialect(), gate=gate)
    call = replace(WRITE, one_by_one=True)
    with calls_for(Priority.BACKFILL), requests_noted() as noted:
        waiting = asyncio.create_task(client.send(call))
        await asyncio.sleep(0)
    await asyncio.gather(client.send(call), client.send(call))
    assert most == 1
    assert noted.nothing_sent
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert noted.nothing_sent


async def test_an_interrupted_write_is_noted_as_sent(clock: FakeClock) -> None:
    transport = ScriptedTransport([answer(201, {})])
    on_its_way = asyncio.Event()

    async def before(_request: HttpRequest) -> None:
        on_its_way.set()
        await asyncio.Event().wait()

    transport.before = before
    client = HttpClient("crm1", "https://x.example", transport, fake_seams(clock), TokenDialect())
    with requests_noted() as noted:
        sent = asyncio.create_task(client.send(WRITE))
    await on_its_way.wait()
    sent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sent
    assert not noted.nothing_sent
