"""An answer larger than its call can need is dropped and reported, and delays nothing."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from http_fakes import FakeClock, ScriptedTransport, answer, fake_seams

from bridge.connectors.calls import Call
from bridge.connectors.http import HttpClient
from bridge.connectors.json_text import MOST_DEPTH, TooMuch, read_json
from bridge.connectors.limits import LIST_BYTES, RECORD_BYTES, page_bytes
from bridge.connectors.oauth import SignInDialect
from bridge.connectors.protocols import AnswerUnusable
from bridge.domain.errors import OutcomeUnknown, RemoteError, RetryLater

DIALECT = SignInDialect(lambda answer: pytest.fail("no refusal here"), "refused")


def client(*steps: Any) -> tuple[HttpClient, ScriptedTransport]:
    transport = ScriptedTransport(list(steps))
    return HttpClient("crm", "https://crm.example", transport, fake_seams(FakeClock()), DIALECT), transport


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (Call("GET", "deals/1"), RetryLater),
        (Call("GET", "deals", most_bytes=page_bytes(500)), RetryLater),
        (Call("POST", "search", reads=True), RetryLater),
        (Call("POST", "deals", json={}), OutcomeUnknown),
        (Call("DELETE", "deals/1"), OutcomeUnknown),
    ],
)
async def test_a_dropped_answer_is_the_records_attempt_or_an_unknown_outcome_and_the_call_is_not_repeated(
    call: Call, error: type[RemoteError]
) -> None:
    http, transport = client(AnswerUnusable("the answer is larger than 2.0 MB"))
    with pytest.raises(error, match=r"larger than 2\.0 MB") as caught:
        await http.send(call)
    assert len(transport.requests) == 1
    assert transport.requests[0].most_bytes == call.most_bytes
    assert ("page_size" in str(caught.value)) is (call.most_bytes not in (RECORD_BYTES, LIST_BYTES))


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"{}," * 1_000_000 + b"{}]",
        b"[" + b"[]," * 1_000_000 + b"[]]",
        b"[" + b"0," * 1_000_000 + b"0]",
        b'{"data":[' + b'{"id":1},' * 600_000 + b"{}]}",
    ],
)
def test_many_small_values_are_refused_before_they_fill_the_memory(body: bytes) -> None:
    with pytest.raises(TooMuch, match="more than 500000 values"):
        read_json(body)


@pytest.mark.parametrize("depth", [MOST_DEPTH + 2, 900, 100_000])
@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_whatever_its_depth(pair: tuple[bytes, bytes], depth: int) -> None:
    with pytest.raises(TooMuch, match="nested too deeply"):
        read_json(pair[0] * depth + b"1" + pair[1] * depth)


def test_usual_nesting_is_not_too_deep() -> None:
    assert read_json(b"[" * 40 + b"1" + b"]" * 40) is not None


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "1e" + "9" * 30, "1." + "0" * 20 + "e-" + "9" * 30])
def test_a_wrong_number_makes_only_its_own_value_unread(number: str) -> None:
    found = read_json(f'[{{"id": 1, "odd": {number}}}, {{"id": 2, "sum": 1.50}}]'.encode())
    assert found == [{"id": 1, "odd": number}, {"id": 2, "sum": Decimal("1.50")}]


@pytest.mark.parametrize("body", [b"[" * 3_000 + b"]" * 3_000, b"[" + b"{}," * 3_000_000 + b"{}]", b"{" * 300_000])
async def test_an_unreadable_answer_is_retried_later_with_its_reason(body: bytes) -> None:
    http, _ = client(answer(200, body))
    with pytest.raises(RetryLater, match=r"deals returned (values nested too deeply|more than|an answer that is not)"):
        (await http.send(Call("GET", "deals"))).json()


async def test_a_large_answer_reads_like_a_small_one() -> None:
    rows = [{"id": number, "name": "Møbler ☕" * 10, "sum": 1.5} for number in range(20_000)]
    http, _ = client(answer(200, rows), answer(200, rows[:2]))
    call = Call("GET", "deals", most_bytes=page_bytes(500))
    large, small = (await http.send(call)), (await http.send(call))
    assert large.json()[:2] == small.json()
    assert len(large.json()) == len(rows)
    assert large.loose_json() is large.json()


async def test_callbacks_are_accepted_while_a_large_answer_is_read() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    body = json.dumps([{"id": number, "name": "x" * 20} for number in range(150_000)]).encode()
    http, _ = client(answer(200, body))
    counting = asyncio.create_task(count())
    rows = (await http.send(Call("GET", "deals", most_bytes=page_bytes(500)))).json()
    counting.cancel()
    assert len(rows) == 150_000
    assert turns > 5
