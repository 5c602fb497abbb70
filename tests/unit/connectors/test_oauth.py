"""Renewing OAuth tokens, the same for every product."""

import asyncio
from urllib.parse import parse_qs

import pytest
from http_fakes import FakeClock, MemoryVault, ScriptedTransport, answer, fake_seams

from bridge.connectors.calls import Answer, Words
from bridge.connectors.oauth import FixedHeader, Grant, OAuth, SignInDialect, sign_in_client
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.domain.errors import NeedsAuthorisation, RetryLater

URL = "https://login.example/oauth/token"
CALL = HttpRequest("GET", "https://api.example/records")


def words(_answer: Answer) -> Words:
    return Words("invalid_grant")


def token(name: str, **more: object) -> HttpResponse:
    return answer(200, {"access_token": name, "expires_in": 1000, **more})


class Bench:
    def __init__(self, *steps: HttpResponse, vault: MemoryVault | None = None) -> None:
        self.clock, self.vault, self.transport = FakeClock(), vault or MemoryVault(), ScriptedTransport(list(steps))
        self.oauth = self.copy()

    def copy(self) -> OAuth:
        made = Construction("crm1", None, self.transport, fake_seams(self.clock), self.vault)
        client = sign_in_client(made, URL, SignInDialect(words, "the refresh token was refused"))
        return OAuth(made, client, Grant(URL, "given", {"client_id": "app"}, also=("region",)))

    async def shown(self, oauth: OAuth | None = None) -> str:
        return (await (oauth or self.oauth).authorise(CALL)).headers["authorization"]

    def asked_with(self) -> list[str]:
        return [parse_qs((request.body or b"").decode())["refresh_token"][0] for request in self.transport.requests]


async def test_callers_at_the_same_time_share_one_renewal() -> None:
    bench = Bench(token("a1"))
    shown = await asyncio.gather(*(bench.shown() for _ in range(5)))
    assert (set(shown), bench.asked_with()) == ({"Bearer a1"}, ["given"])


async def test_a_token_is_renewed_at_four_fifths_of_its_life_and_a_new_refresh_token_is_kept() -> None:
    bench = Bench(token("a1", refresh_token="r2", region="eu"), token("a2"))
    assert await bench.shown() == "Bearer a1"
    assert bench.vault.kept["crm1"]["region"] == "eu"
    bench.clock.seconds = 799
    assert await bench.shown() == "Bearer a1"
    bench.clock.seconds = 801
    assert await bench.shown() == "Bearer a2"
    assert bench.asked_with() == ["given", "r2"]
    assert bench.vault.kept["crm1"]["refresh_token"] == "r2"


async def test_a_token_that_another_instance_renewed_is_taken() -> None:
    bench = Bench(token("a1"), token("a2"))
    other = bench.copy()
    refused = await bench.oauth.authorise(CALL)
    await other.authorise(CALL)
    assert await bench.oauth.renew(refused)
    assert await other.renew(refused)
    assert (await bench.shown(), await bench.shown(other)) == ("Bearer a2", "Bearer a2")
    assert len(bench.transport.requests) == 2


async def test_after_a_new_consent_the_token_of_the_settings_is_tried() -> None:
    vault = MemoryVault({"crm1": {"access_token": "old", "refresh_token": "dead", "renew_at": "0"}})
    bench = Bench(answer(400), token("a1"), vault=vault)
    assert await bench.shown() == "Bearer a1"
    assert bench.asked_with() == ["dead", "given"]


async def test_a_refusal_needs_a_person_and_an_unreadable_answer_does_not() -> None:
    refused = Bench(answer(400))
    with pytest.raises(NeedsAuthorisation, match=r"refresh token was refused: invalid_grant \(POST oauth/token, 400\)"):
        await refused.shown()
    nonsense = Bench(answer(200, {"access_token": 7}))
    with pytest.raises(RetryLater, match="no access token"):
        await nonsense.shown()
    assert (refused.vault.kept, nonsense.vault.kept) == ({}, {})


async def test_an_unreadable_stored_token_is_replaced() -> None:
    bench = Bench(token("a1"), vault=MemoryVault({"crm1": {"access_token": "x", "renew_at": "soon"}}))
    assert await bench.shown() == "Bearer a1"


@pytest.mark.parametrize("life", [315_360_000, 10**400])
async def test_a_token_is_renewed_after_a_day_whatever_lifetime_its_issuer_names(life: int) -> None:
    bench = Bench(token("a1", expires_in=life), token("a2"))
    assert await bench.shown() == "Bearer a1"
    bench.clock.seconds = 24 * 3600
    assert await bench.shown() == "Bearer a2"


@pytest.mark.parametrize("life", [-5, 0, True, "3600", 3600.5, None, [], {}])
async def test_a_lifetime_that_is_no_number_of_seconds_counts_as_an_hour(life: object) -> None:
    bench = Bench(token("a1", expires_in=life), token("a2"))
    assert await bench.shown() == "Bearer a1"
    bench.clock.seconds = 2800
    assert await bench.shown() == "Bearer a1"
    bench.clock.seconds = 2900
    assert await bench.shown() == "Bearer a2"


@pytest.mark.parametrize("renew_at", ["inf", "nan", "9" * 400, "1e300"])
async def test_a_stored_token_that_would_last_for_ever_is_renewed(renew_at: str) -> None:
    bench = Bench(token("a1"), vault=MemoryVault({"crm1": {"access_token": "x", "renew_at": renew_at}}))
    assert await bench.shown() == "Bearer a1"


async def test_a_fixed_credential_is_never_renewed() -> None:
    fixed = FixedHeader("x-api-token", "t")
    request = await fixed.authorise(CALL)
    assert request.headers["x-api-token"] == "t"
    assert await fixed.renew(request) is False
