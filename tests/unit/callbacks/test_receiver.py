"""One callback becomes one receipt, without HTTP."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest

from bridge.callbacks.receiver import REFUSED_SECONDS, Deliveries, Receiver
from bridge.domain.address import Addresses
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import StoreUnavailable
from bridge.domain.event import Event
from bridge.store.model import Unstorable
from tests.clock import FakeClock
from tests.unit.callbacks.fakes import LineDecoder, Memory

HERE = Addresses("acme", b"an instance secret of some length", "https://bridge.example")
TOKEN = HERE.token("crm1", "any.deal")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def receiver(memory: Memory) -> Receiver:
    return Receiver({"crm1": LineDecoder()}, HERE, memory.submit, FakeClock(), max_waiting=2)


def callback(body: bytes = b"7", password: str | None = None, system: str = "crm1") -> Callback:
    shown = HERE.secret("crm1", "any.deal").password if password is None else password
    headers = {"authorization": shown}
    return Callback(system, "any.deal", "POST", "https://bridge.example/x", headers, body, FakeClock().now())


async def test_a_good_callback_is_stored_and_answered_with_exactly_200(receiver: Receiver, memory: Memory) -> None:
    receipt = await receiver.receive(callback(b"7\n8"), TOKEN)
    assert (receipt.status, receipt.body) == (200, "{}")
    assert [event.id for event in memory.events] == ["7", "8"]


async def test_at_info_an_accepted_callback_writes_no_line_and_a_repeated_one_does(
    receiver: Receiver, memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await receiver.receive(callback(b"7"), TOKEN)
        assert caplog.messages == []
    receiver.submit = known_already
    with caplog.at_level("INFO"):
        await receiver.receive(callback(b"7"), TOKEN)
    assert caplog.messages == ["callback repeated"]


async def known_already(events: Sequence[Event]) -> Sequence[int | None]:
    return [None for _ in events]


async def test_a_vendor_does_not_wait_for_a_store_that_does_not_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.callbacks.receiver.STORE_SECONDS", 0.01)
    submit, receiver.submit = receiver.submit, hangs
    receipt = await receiver.receive(callback(), TOKEN)
    assert (receipt.status, receipt.retry_after) == (503, 5)
    assert "a table is locked or the database is overloaded" in receiver.refused()
    receiver.submit = submit
    assert (await receiver.receive(callback(), TOKEN)).status == 200
    assert receiver.refused() == ""


async def hangs(events: Sequence[Event]) -> Sequence[int | None]:
    await asyncio.Event().wait()
    return []


async def test_a_refusal_of_the_store_counts_until_no_callback_has_come_for_a_while(
    receiver: Receiver, memory: Memory
) -> None:
    memory.fails = 1
    assert (await receiver.receive(callback(), TOKEN)).status == 503
    assert receiver.refused() == "disk full"
    receiver.clock.advance(REFUSED_SECONDS)  # type: ignore[attr-defined]
    assert receiver.refused() == ""


async def test_a_hint_without_an_id_passes_through(receiver: Receiver, memory: Memory) -> None:
    assert (await receiver.receive(callback(b""), TOKEN)).status == 200
    assert [event.id for event in memory.events] == [None]


@pytest.mark.parametrize("token", ["", TOKEN[:-1], TOKEN.upper(), HERE.token("crm1", "any.person"), "\udcff"])
async def test_a_wrong_token_gets_404_and_nothing_is_stored(receiver: Receiver, memory: Memory, token: str) -> None:
    assert (await receiver.receive(callback(), token)).status == 404
    assert memory.events == []


async def test_an_unknown_system_looks_like_a_wrong_token(receiver: Receiver) -> None:
    unknown = await receiver.receive(callback(system="crm9"), HERE.token("crm9", "any.deal"))
    assert unknown == await receiver.receive(callback(), "wrong")


async def test_a_wrong_vendor_credential_gets_401_and_nothing_is_stored(receiver: Receiver, memory: Memory) -> None:
    assert (await receiver.receive(callback(password="guess"), TOKEN)).status == 401
    assert memory.events == []
    assert receiver.take_delivered() == {}


async def test_a_store_that_is_unavailable_gives_503_with_retry_after(receiver: Receiver, memory: Memory) -> None:
    memory.fails = 1
    receipt = await receiver.receive(callback(), TOKEN)
    assert receipt.status == 503
    assert receipt.retry_after is not None
    assert receipt.retry_after > 0
    assert memory.events == []


async def test_a_store_that_is_unavailable_while_the_credential_is_looked_up_gives_503(memory: Memory) -> None:
    class Asking(LineDecoder):
        async def verify(self, callback: Callback, secret: HookSecret) -> None:
            raise StoreUnavailable("disk full")

    receipt = await Receiver({"crm1": Asking()}, HERE, memory.submit, FakeClock()).receive(callback(), TOKEN)
    assert receipt.status == 503
    assert memory.events == []


async def test_an_id_that_the_store_cannot_hold_as_text_becomes_a_hint(memory: Memory) -> None:
    async def picky(events: Sequence[Event]) -> list[bool]:
        if any(event.id for event in events):
            raise Unstorable("NUL in text")
        return await memory.submit(events)

    receiver = Receiver({"crm1": LineDecoder()}, HERE, picky, FakeClock())
    assert (await receiver.receive(callback(b"a\x00\nb"), TOKEN)).status == 200
    assert [(event.entity, event.id, event.body) for event in memory.events] == [("deal", None, b"a\x00\nb")]


def test_places_are_limited_and_given_back(receiver: Receiver) -> None:
    with receiver.place() as first, receiver.place() as second, receiver.place() as third:
        assert (first, second, third) == (True, True, False)
    with receiver.place() as free:
        assert free


async def test_each_delivery_is_reported_once_with_its_time(receiver: Receiver) -> None:
    await receiver.receive(callback(), TOKEN)
    assert receiver.take_delivered() == {("crm1", "any.deal"): Deliveries(FakeClock().now().timestamp(), 1)}
    assert receiver.take_delivered() == {}


async def test_every_answer_is_counted_and_unknown_names_share_a_counter(memory: Memory) -> None:
    seen: list[tuple[str, int]] = []
    receiver = Receiver(
        {"crm1": LineDecoder()}, HERE, memory.submit, FakeClock(), observe=lambda *what: seen.append(what)
    )
    await receiver.receive(callback(), TOKEN)
    await receiver.receive(callback(password="x"), TOKEN)
    await receiver.receive(callback(system="/etc/passwd"), TOKEN)
    assert seen == [("crm1", 200), ("crm1", 401), ("unknown", 404)]


async def test_a_body_is_stored_once_however_many_records_its_callback_names(memory: Memory) -> None:
    receiver = Receiver({"crm1": LineDecoder()}, HERE, memory.submit, FakeClock())
    body = "\n".join(str(number) for number in range(50)).encode()
    assert (await receiver.receive(callback(body), TOKEN)).status == 200
    assert len(memory.events) == 50
    assert [event.body for event in memory.events if event.body] == [body]


async def test_a_callback_that_names_very_many_records_becomes_a_sweep_of_their_entity(memory: Memory) -> None:
    receiver = Receiver({"crm1": LineDecoder()}, HERE, memory.submit, FakeClock())
    body = "\n".join(str(number) for number in range(1000)).encode()
    assert (await receiver.receive(callback(body), TOKEN)).status == 200
    assert [(event.entity, event.id) for event in memory.events] == [("deal", None)]


async def test_a_long_body_is_stored_shortened_with_its_hash(memory: Memory) -> None:
    receiver = Receiver({"crm1": LineDecoder()}, HERE, memory.submit, FakeClock())
    body = b"7" + b" " * 500_000
    assert (await receiver.receive(callback(body), TOKEN)).status == 200
    (event,) = memory.events
    assert len(event.body) < 10_000
    assert sha256(body).hexdigest().encode() in event.body


async def test_a_callback_without_even_a_hint_is_a_bad_request(memory: Memory) -> None:
    async def refuses(events: Sequence[Event]) -> list[bool]:
        raise Unstorable("NUL in the entity")

    receiver = Receiver({"crm1": LineDecoder()}, HERE, refuses, FakeClock())
    assert (await receiver.receive(callback(b"7"), TOKEN)).status == 400


@pytest.mark.parametrize("odd", ["7" * 201, "7\x00", "9" * 5000])
async def test_one_odd_id_does_not_affect_the_other_records_of_its_callback(
    receiver: Receiver, memory: Memory, odd: str
) -> None:
    assert (await receiver.receive(callback(f"7\n{odd}\n8".encode()), TOKEN)).status == 200
    assert [event.id for event in memory.events] == ["7", None, "8"]


class Names(LineDecoder):
    """The names that the product sends, unchanged."""

    def __init__(self, **said: str) -> None:
        self.said = said

    def decode(self, callback: Callback) -> Sequence[Event]:
        return [replace(event, **self.said) for event in super().decode(callback)]


@pytest.mark.parametrize(
    ("said", "status", "kept"),
    [
        ({"vendor_id": "v" * 201}, 200, [("7", None, None)]),
        ({"vendor_id": "v\ud800"}, 200, [("7", None, None)]),
        ({"vendor_id": "v"}, 200, [("7", "v", None)]),
        ({"merged_into": "8" * 201, "vendor_id": "v"}, 200, [(None, None, None)]),
        ({"entity": "de\x00al"}, 400, []),
        ({"entity": "d" * 201}, 400, []),
    ],
)
async def test_names_that_cannot_be_stored_become_hints_or_a_bad_request(
    memory: Memory, said: dict[str, str], status: int, kept: list[tuple[str | None, ...]]
) -> None:
    receiver = Receiver({"crm1": Names(**said)}, HERE, memory.submit, FakeClock())
    assert (await receiver.receive(callback(), TOKEN)).status == status
    assert [(event.id, event.vendor_id, event.merged_into) for event in memory.events] == kept


def test_the_headers_alone_are_enough_to_refuse_a_callback_without_credentials(receiver: Receiver) -> None:
    head = callback(b"")
    assert receiver.judge_head(head) is None
    refusal = receiver.judge_head(replace(head, headers={}))
    assert refusal is not None
    assert refusal.status == 401
