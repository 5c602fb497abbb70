"""The bridge calls its public address before it registers hooks, and reports a failure in plain words."""

from collections.abc import Callable

import pytest

from bridge.connectors.protocols import Failure, HttpRequest, HttpResponse, TransportFailed
from bridge.domain.address import Addresses
from bridge.hooks.public_url import public_url_problem

HERE = Addresses("acme", b"an instance secret of some length", "https://bridge.example")
OTHER = Addresses("acme", b"another secret", "https://bridge.example")
URL = HERE.url("crm1", "any.deal")


class Answers:
    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self._answer = answer

    async def send(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request)


async def problem(answer: Callable[[HttpRequest], HttpResponse]) -> str:
    return await public_url_problem(Answers(answer), HERE, URL, "question") or ""


async def test_our_own_echo_is_no_problem() -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        assert (request.method, request.url) == ("GET", URL)
        return HttpResponse(200, body=HERE.echo(dict(request.query)["challenge"]).encode())

    assert await problem(answer) == ""


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure.NAME, "(DNS: the name does not resolve)"),
        (Failure.TLS, "(TLS: the certificate is not accepted)"),
        (Failure.REFUSED, "(nothing listens there)"),
        (Failure.TIME, "(no answer in time: check firewall and proxy)"),
        (Failure.OTHER, "cannot be reached from here (network)"),
    ],
)
async def test_a_network_fault_is_named_by_its_kind_and_not_by_its_words(failure: Failure, expected: str) -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        raise TransportFailed("cannot connect to tls.dns.example, refused", sent=False, failure=failure)

    text = await problem(answer)
    assert expected in text
    assert "bridge.example" in text


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (HttpResponse(301), "redirect"),
        (HttpResponse(502), "does not reach the bridge"),
        (HttpResponse(404), "must forward /hooks/"),
        (HttpResponse(200, body=b"<html>welcome</html>"), "not this bridge"),
        (HttpResponse(200, body=OTHER.echo("question").encode()), "not this bridge"),
        (HttpResponse(200, body=HERE.echo("an older question").encode()), "not this bridge"),
        (HttpResponse(200, body=b"\xff\xfe"), "not this bridge"),
    ],
)
async def test_a_wrong_answer_is_named(response: HttpResponse, expected: str) -> None:
    text = await problem(lambda request: response)
    assert expected in text


async def test_no_error_text_contains_the_token() -> None:
    token = HERE.token("crm1", "any.deal")

    def refuse(request: HttpRequest) -> HttpResponse:
        raise TransportFailed("timed out", sent=True)

    for answer in (refuse, lambda request: HttpResponse(404)):
        assert token not in await problem(answer)
