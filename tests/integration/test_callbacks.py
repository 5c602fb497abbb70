"""The public listener over real HTTP on loopback, with a real store behind it."""

import asyncio
import gzip
import random
import resource
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bridge.callbacks.receiver import Receiver
from bridge.callbacks.routes import SERVER, callback_app
from bridge.connectors.pipedrive.callbacks import decode, verify
from bridge.domain.address import Addresses
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import StoreUnavailable
from bridge.domain.event import Event
from bridge.domain.record import Side
from bridge.store import Store
from bridge.store.model import Endpoint, Mode, Route, Routes, Scope
from tests.clock import FakeClock

HERE = Addresses("acme", b"an instance secret of some length", "https://bridge.example")
PATH = HERE.url("crm1", "any.deal").removeprefix(HERE.public_url)
ROUTES: Routes = {("crm1", "deal"): (Route("deals", Side.LEFT, Endpoint("crm1", "deal")),)}
LIMIT = 2000


class Decoder:
    """Pipedrive's decoder without an account."""

    def check_head(self, head: Callback, secret: HookSecret) -> None:
        verify(head, secret)

    async def verify(self, callback: Callback, secret: HookSecret) -> None:
        verify(callback, secret)

    def decode(self, callback: Callback) -> Sequence[Event]:
        return decode(callback)


@dataclass
class Chaos:
    """A store that is unreachable for one call in `one_in`, before or after it did its work."""

    store: Store
    one_in: int = 0
    dice: random.Random = random.Random(11)  # noqa: RUF009 - one test, one seed

    async def submit(self, events: Sequence[Event]) -> list[bool]:
        if self.one_in and self.dice.randrange(self.one_in) == 0:
            raise StoreUnavailable("no room on the disk")
        return await self.store.events.submit(events, ROUTES)


@pytest.fixture
def chaos(store: Store) -> Chaos:
    return Chaos(store)


@pytest.fixture
def receiver(chaos: Chaos, clock: FakeClock) -> Receiver:
    return Receiver({"crm1": Decoder()}, HERE, chaos.submit, clock, max_waiting=50)


@pytest.fixture
async def public(receiver: Receiver) -> AsyncIterator[TestClient[Any, Any]]:
    server = TestServer(callback_app(receiver, max_body_bytes=LIMIT))
    await server.start_server(**SERVER)
    async with TestClient(server) as client:
        yield client


def basic(secret: HookSecret | None = None) -> dict[str, str]:
    secret = secret or HERE.secret("crm1", "any.deal")
    return {"Authorization": "Basic " + b64encode(f"{secret.user}:{secret.password}".encode()).decode()}


def change(deal: int, event: str) -> dict[str, Any]:
    meta = {"action": "change", "entity": "deal", "entity_id": str(deal), "id": event, "version": "2.0"}
    return {"meta": {**meta, "timestamp": "2026-01-05T09:00:00.000Z"}, "data": {"id": deal}}


async def post(public: TestClient[Any, Any], body: Any, path: str = PATH, **more: Any) -> int:
    async with public.post(path, json=body, headers=basic(), **more) as answer:
        return answer.status


async def accepted(store: Store) -> int:
    return (await store.tasks.totals()).get("deals", {}).get("accepted", 0)


async def test_promise_1_accepted_means_durable(public: TestClient[Any, Any], store: Store) -> None:
    async with public.post(PATH, json=change(7, "e-1"), headers=basic()) as answer:
        assert (answer.status, await answer.text()) == (200, "{}")
    (task,) = await store.tasks.about("crm1", "deal", "7", {"deals": _scope()})
    assert task.pending == 1


async def test_promise_1_without_a_store_the_answer_is_503_with_retry_after(
    public: TestClient[Any, Any], chaos: Chaos, store: Store
) -> None:
    chaos.one_in = 1
    async with public.post(PATH, json=change(7, "e-1"), headers=basic()) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert await accepted(store) == 0


async def test_promise_1_with_a_store_that_fails_at_times_every_accepted_callback_is_stored(
    public: TestClient[Any, Any], chaos: Chaos, store: Store
) -> None:
    chaos.one_in = 4
    answers = await asyncio.gather(*(post(public, change(n, f"e-{n}")) for n in range(200)))
    assert set(answers) == {200, 503}
    assert await accepted(store) == answers.count(200)


async def test_a_decoder_sees_the_registered_address_and_header_lines_of_one_name_joined(
    public: TestClient[Any, Any], receiver: Receiver
) -> None:
    seen: list[Callback] = []

    class Looking(Decoder):
        def check_head(self, head: Callback, secret: HookSecret) -> None:
            assert head.body == b""

        async def verify(self, callback: Callback, secret: HookSecret) -> None:
            seen.append(callback)

    receiver.decoders = {"crm1": Looking()}
    lines = [("X-Digest", "a=1"), ("Authorization", "x"), ("X-Digest", "b=2")]
    async with public.post(PATH + "?more=1", data=b"{}", headers=lines) as answer:
        assert answer.status == 200
    assert seen[0].url == HERE.url("crm1", "any.deal")
    assert (seen[0].headers["x-digest"], seen[0].headers["authorization"]) == ("a=1, b=2", "x")


async def test_promise_2_the_same_vendor_event_twice_is_one_event(public: TestClient[Any, Any], store: Store) -> None:
    assert [await post(public, change(7, "e-1")) for _ in range(3)] == [200, 200, 200]
    assert await accepted(store) == 1
    assert await post(public, change(7, "e-2")) == 200
    assert await accepted(store) == 2


async def test_promise_2_repeats_that_arrive_at_once_are_one_event(public: TestClient[Any, Any], store: Store) -> None:
    assert set(await asyncio.gather(*(post(public, change(7, "e-1")) for _ in range(30)))) == {200}
    assert await accepted(store) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\xff\xfe", b'{"meta": 3}', b'{"meta":{"entity":"deal"}}'])
async def test_a_body_that_cannot_be_read_becomes_a_hint(
    public: TestClient[Any, Any], store: Store, body: bytes
) -> None:
    async with public.post(PATH, data=body, headers=basic()) as answer:
        assert answer.status == 200
    cursor = await store.cursors.get("crm1", "deal", "incremental")
    assert cursor.asked_by == "callback"


async def test_an_id_that_the_store_cannot_hold_becomes_a_hint(public: TestClient[Any, Any], store: Store) -> None:
    odd = change(7, "e-1")
    odd["meta"]["entity_id"] = "7\ud800"
    assert await post(public, odd) == 200
    assert await accepted(store) == 0
    assert (await store.cursors.get("crm1", "deal", "incremental")).asked_by == "callback"


async def test_promise_15_a_wrong_vendor_secret_is_refused_and_nothing_is_stored(
    public: TestClient[Any, Any], store: Store
) -> None:
    wrong = [HERE.secret("crm1", "any.person"), HookSecret("", ""), HookSecret("ü", "ü")]
    for secret in wrong:
        async with public.post(PATH, json=change(7, "e-1"), headers=basic(secret)) as answer:
            assert answer.status == 401
    async with public.post(PATH, json=change(7, "e-1")) as answer:
        assert answer.status == 401
    assert await accepted(store) == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PATH[:-1]),
        ("POST", PATH + "/"),
        ("POST", PATH.replace("any.deal", "any.person")),
        ("POST", PATH.replace("crm1", "crm2")),
        ("POST", "/hooks/crm1/any.deal/%00%ff"),
        ("GET", PATH[:-1] + "?challenge=x"),
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/metrics"),
        ("GET", "/hooks"),
        ("DELETE", PATH[:-1]),
        ("OPTIONS", "/"),
    ],
)
async def test_promise_15_the_public_listener_answers_callbacks_and_nothing_else(
    public: TestClient[Any, Any], store: Store, method: str, path: str
) -> None:
    async with public.request(method, path, json=change(7, "e-1"), headers=basic()) as answer:
        assert answer.status == 404
        assert await answer.text() == "{}"
    assert await accepted(store) == 0


async def test_the_echo_proves_who_answers_and_stores_nothing(public: TestClient[Any, Any], store: Store) -> None:
    async with public.get(PATH, params={"challenge": "a question"}) as answer:
        assert (answer.status, await answer.text()) == (200, HERE.echo("a question"))
    async with public.get(PATH) as answer:
        assert (answer.status, await answer.text()) == (200, "")
    async with public.head(PATH) as answer:
        assert answer.status == 200
    assert await accepted(store) == 0


async def test_a_body_over_the_limit_is_refused_with_413(public: TestClient[Any, Any], store: Store) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * LIMIT

    for body in (b"x" * (LIMIT + 1), chunks()):
        async with public.post(PATH, data=body, headers=basic()) as answer:
            assert answer.status == 413
    async with public.post(PATH, data=b"x" * LIMIT, headers=basic()) as answer:
        assert answer.status == 200
    assert await accepted(store) == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_callback_is_a_post(public: TestClient[Any, Any], store: Store, method: str) -> None:
    async with public.request(method, PATH, json=change(7, "e-1"), headers=basic()) as answer:
        assert answer.status == 405
    assert await accepted(store) == 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity", "x-unknown"])
async def test_a_compressed_body_is_refused_and_never_inflated(
    public: TestClient[Any, Any], store: Store, encoding: str
) -> None:
    """A bomb of a few kilobytes would be megabytes of memory when inflated, at any path and without any secret."""
    bomb = gzip.compress(b"0" * 50_000_000)
    for path, status in ((PATH, 415), ("/hooks/crm1/any.deal/nobody", 404), ("/elsewhere", 404)):
        headers = {**basic(), "Content-Encoding": encoding}
        async with public.post(path, data=bomb, headers=headers, compress=None) as answer:
            assert answer.status == status
    async with public.post(PATH, json=change(7, "e-1"), headers={**basic(), "Content-Encoding": "identity"}) as answer:
        assert answer.status == 200
    assert await accepted(store) == 1


async def test_bombs_at_unknown_paths_do_not_delay_valid_callbacks(public: TestClient[Any, Any]) -> None:
    """The memory of the process must not grow by the inflated size of the bombs (400 MB)."""
    bomb = gzip.compress(b"0" * 100_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def throw() -> int:
        async with public.post("/elsewhere", data=bomb, headers={"Content-Encoding": "gzip"}) as answer:
            return answer.status

    bombs = [asyncio.create_task(throw()) for _ in range(4)]
    assert [await post(public, change(n, f"e-{n}")) for n in range(20)] == [200] * 20
    assert await asyncio.gather(*bombs) == [404] * 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kilobytes


async def test_a_length_over_the_limit_is_refused_before_the_body_comes(public: TestClient[Any, Any]) -> None:
    assert public.server.port is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", public.server.port)
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(5):
        status = await reader.readline()
    writer.close()
    assert b" 413 " in status


@pytest.mark.parametrize(
    ("what", "bad"),
    [
        ("a record id of 2,800 characters", {"entity_id": "7" * 2800}),
        ("an event id of 2,800 characters", {"id": "".join(chr(97 + n * 7 % 26) for n in range(2800))}),
        ("a NUL in the record id", {"entity_id": "7\x00"}),
        ("a NUL in the entity", {"entity": "de\x00al"}),
        ("half a surrogate pair in the entity", {"entity": "de\ud800al"}),
        ("an entity of 2,800 characters", {"entity": "d" * 2800}),
    ],
)
async def test_a_callback_that_cannot_be_stored_does_not_stop_valid_ones(
    public: TestClient[Any, Any], receiver: Receiver, store: Store, what: str, bad: dict[str, str]
) -> None:
    """Promises 1 and 10: the valid callbacks share a transaction with it; all are acknowledged and stored."""
    receiver.max_waiting = 1000
    odd = change(1, "odd")
    odd["meta"].update(bad)
    sent = [asyncio.create_task(post(public, change(n, f"e-{n}"))) for n in range(40)]
    sent[7:7] = [asyncio.create_task(post(public, odd)) for _ in range(5)]
    answers = await asyncio.gather(*sent)
    assert answers.count(503) == 0
    assert answers.count(200) >= 40
    assert await accepted(store) == 40


async def test_a_flood_is_answered_503_and_every_accepted_callback_is_stored(
    public: TestClient[Any, Any], receiver: Receiver, chaos: Chaos, store: Store
) -> None:
    """Five requests may wait for the store at once; the store answers only when all hundred have been sent."""
    receiver.max_waiting, gate = 5, asyncio.Event()
    stored = chaos.submit

    async def slow(events: Sequence[Event]) -> list[bool]:
        await gate.wait()
        return await stored(events)

    receiver.submit = slow
    sent = [asyncio.create_task(post(public, change(n, f"e-{n}"))) for n in range(100)]
    done: set[asyncio.Task[int]] = set()
    while len(done) < 95:
        done, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED, timeout=0.01)
    gate.set()
    answers = await asyncio.gather(*sent)
    assert (answers.count(503), answers.count(200)) == (95, 5)
    assert await accepted(store) == 5
    assert receiver.waiting == 0


async def test_a_defect_of_ours_is_never_a_500(public: TestClient[Any, Any], receiver: Receiver) -> None:
    async def broken(events: Sequence[Event]) -> list[bool]:
        raise RuntimeError("a programming error")

    receiver.submit = broken
    async with public.post(PATH, json=change(7, "e-1"), headers=basic()) as answer:
        assert (answer.status, await answer.text()) == (503, "{}")


async def test_a_stop_lets_requests_in_flight_finish(receiver: Receiver, chaos: Chaos, store: Store) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()
    stored = chaos.submit

    async def slow(events: Sequence[Event]) -> list[bool]:
        entered.set()
        await gate.wait()
        return await stored(events)

    receiver.submit = slow
    async with TestClient(TestServer(callback_app(receiver))) as public:
        request = asyncio.create_task(post(public, change(7, "e-1")))
        await entered.wait()
        stopping = asyncio.create_task(public.server.close())
        await asyncio.sleep(0)
        gate.set()
        assert await request == 200
        await stopping
    assert await accepted(store) == 1


def _scope() -> Scope:
    return Scope("deals", "f", "m", Mode.LIVE, Endpoint("crm1", "deal"), Endpoint("erp1", "crm_deal"))
