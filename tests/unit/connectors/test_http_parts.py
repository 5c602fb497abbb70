"""JSON with exact numbers, Retry-After, and how the aiohttp transport translates failures."""

import json
from decimal import Decimal

import aiohttp
import pytest
from http_fakes import START
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.calls import Answer, Call, Pause
from bridge.connectors.http import retry_after
from bridge.connectors.json_text import read_json, write_json
from bridge.connectors.protocols import HttpRequest, TransportFailed
from bridge.connectors.transport import AiohttpTransport
from tests.rings import no_rings

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_written_json_reads_back_equal(value: object) -> None:
    assert read_json(write_json(value)) == value


def test_amounts_keep_every_digit() -> None:
    assert write_json({"value": Decimal("1234567890.10")}) == b'{"value":1234567890.10}'
    assert read_json(b"[0.10]") == [Decimal("0.10")]


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"NaN", b"[Infinity]", b"[" * 100_000])
def test_text_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the contract, json words the text
        read_json(body)


@pytest.mark.parametrize("value", [Decimal("NaN"), object(), {1: 2}, 1.5])
def test_a_value_without_an_exact_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        write_json(value)


def test_a_huge_exponent_does_not_become_a_huge_text() -> None:
    assert len(write_json(Decimal("1E+999999"))) < 20


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("Mon, 02 Mar 2026 10:01:00 GMT", 60.0), ("Mon, 02 Mar 2026 09:00:00 GMT", 0.0), ("soon", None)],
)
def test_retry_after_in_both_forms(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, START) == seconds


def test_without_retry_after_there_is_no_pause() -> None:
    assert json.dumps(retry_after({}, START)) == "null"


class FailingSession:
    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def request(self, *args: object, **options: object) -> object:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (TimeoutError(), True),
        (aiohttp.ConnectionTimeoutError(), False),
        (aiohttp.InvalidURL("https://x.example/?token=s3cret"), False),
    ],
)
async def test_failures_say_whether_the_request_left_and_no_secret(failure: Exception, sent: bool) -> None:
    transport = AiohttpTransport(FailingSession(failure))  # type: ignore[arg-type]
    with pytest.raises(TransportFailed) as caught:
        await transport.send(HttpRequest("GET", "https://x.example/?token=s3cret"))
    assert caught.value.sent is sent
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["9" * 400, "٣٤", "-5", "inf", "nan", "1e9", "", "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_a_retry_after_that_is_no_number_of_seconds_gives_no_pause(value: str) -> None:
    assert retry_after({"retry-after": value}, START) is None


@pytest.mark.parametrize("value", ["315360000", "999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
@pytest.mark.parametrize(("daily", "longest"), [(False, 3600.0), (True, 25 * 3600.0)])
def test_a_pause_has_a_largest_length_whatever_the_vendor_requests(value: str, daily: bool, longest: float) -> None:
    asked = retry_after({"retry-after": value}, START)
    assert asked is not None
    assert Pause(asked, daily).seconds == longest


@pytest.mark.parametrize("seconds", [float("nan"), -1.0, float("-inf")])
def test_a_value_that_is_no_length_gives_no_pause(seconds: float) -> None:
    assert Pause(seconds).seconds == 0.0


def test_an_answer_that_is_not_json_leaves_no_reference_cycles() -> None:
    """The error would keep the frames that keep it, and with them the data that was sent."""
    with no_rings():
        for body in (b"", b"<html>", b"\xff"):
            assert Answer("erp", Call("PUT", "/contacts/1"), 200, {}, body).loose_json() is None
