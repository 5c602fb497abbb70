"""Options, and OAuth with tokens kept in the vault."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import pytest
from http_fakes import FakeClock, MemoryVault, answer, fake_seams
from pipedrive_fakes import Vendor, data
from pydantic import ValidationError

from bridge.connectors.pipedrive import PIPEDRIVE, PipedriveConnector
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.domain.errors import NeedsAuthorisation, RetryLater
from bridge.domain.record import RecordRef

OAUTH = {"client_id": "app", "client_secret": "s3cret-app", "refresh_token": "s3cret-first"}
TOKEN = "POST https://oauth.pipedrive.com/oauth/token"
ACME = "https://acme.pipedrive.com"
PERSON = "GET api/v2/persons/1"
REF = RecordRef("crm1", "person", "1")


def granted(number: int, **more: Any) -> HttpResponse:
    said = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 3600}
    return answer(200, {**said, "api_domain": ACME, **more})


def only(token: str) -> Any:
    def reply(request: HttpRequest) -> HttpResponse:
        if request.headers["authorization"] != f"Bearer {token}":
            return answer(401, {"error": "Invalid token"})
        return data({"id": 1, "name": "Ana"})

    return reply


class SlowTokens(Vendor):
    async def send(self, request: HttpRequest) -> HttpResponse:
        reply = await super().send(request)
        for _ in range(5):
            await asyncio.sleep(0)
        return reply


def server(**routes: Any) -> Vendor:
    return Vendor({"GET api/v2/personFields": data([]), **routes})


def connect(vendor: Vendor, vault: MemoryVault, clock: FakeClock) -> PipedriveConnector:
    options = PipedriveOptions.model_validate(OAUTH)
    return PipedriveConnector(Construction("crm1", options, vendor, fake_seams(clock), vault))


async def test_the_first_call_fetches_a_token_stores_it_and_follows_the_accounts_domain(clock: FakeClock) -> None:
    vault, vendor = MemoryVault(), server(**{TOKEN: granted(1), PERSON: only("access-1")})
    await connect(vendor, vault, clock).read(REF)
    assert vault.kept["crm1"]["refresh_token"] == "refresh-1"
    form = dict(parse_qsl(vendor.requests[0].body.decode()))  # type: ignore[union-attr]
    assert form == {"grant_type": "refresh_token", "refresh_token": "s3cret-first"}
    assert vendor.requests[1].url.startswith(ACME)


async def test_a_stored_token_is_used_without_asking(clock: FakeClock) -> None:
    vault, first = MemoryVault(), server(**{TOKEN: granted(1), PERSON: only("access-1")})
    await connect(first, vault, clock).read(REF)
    second = server(**{PERSON: only("access-1")})
    await connect(second, vault, clock).read(REF)
    assert second.sent("POST") == []


async def test_an_old_token_is_renewed_with_the_stored_refresh_token(clock: FakeClock) -> None:
    vault, vendor = (
        MemoryVault(),
        server(**{TOKEN: [granted(1), granted(2)], PERSON: [only("access-1"), only("access-2")]}),
    )
    connector = connect(vendor, vault, clock)
    await connector.read(REF)
    clock.seconds += 3590
    await connector.read(REF)
    assert b"refresh-1" in (vendor.sent("POST")[1].body or b"")


async def test_a_token_refused_early_is_renewed_once_for_all(clock: FakeClock) -> None:
    vault, vendor = MemoryVault(), server(**{TOKEN: [granted(1), granted(2)], PERSON: only("access-2")})
    connector = connect(vendor, vault, clock)
    records = await asyncio.gather(*(connector.read(REF) for _ in range(4)))
    assert [record.ref.id for record in records] == ["1"] * 4
    assert len(vendor.sent("POST")) == 2


async def test_calls_that_start_together_fetch_one_token(clock: FakeClock) -> None:
    vendor = SlowTokens({"GET api/v2/personFields": data([]), TOKEN: granted(1), PERSON: only("access-1")})
    connector = connect(vendor, MemoryVault(), clock)
    await asyncio.gather(*(connector.read(REF) for _ in range(4)))
    assert len(vendor.sent("POST")) == 1


async def test_a_token_that_another_instance_renewed_is_used(clock: FakeClock) -> None:
    vault, vendor = MemoryVault(), server(**{TOKEN: granted(1), PERSON: [only("access-1"), only("access-2")]})
    connector = connect(vendor, vault, clock)
    await connector.read(REF)
    vault.kept["crm1"] = {**vault.kept["crm1"], "access_token": "access-2"}
    await connector.read(REF)
    assert len(vendor.sent("POST")) == 1


async def test_a_new_refresh_token_in_the_settings_is_used(clock: FakeClock) -> None:
    vault = MemoryVault({"crm1": {"access_token": "a", "refresh_token": "dead", "expires_at": "0"}})

    def token(request: HttpRequest) -> HttpResponse:
        return answer(400, {"error": "invalid_grant"}) if b"dead" in (request.body or b"") else granted(1)

    await connect(server(**{TOKEN: token, PERSON: only("access-1")}), vault, clock).read(REF)
    assert vault.kept["crm1"]["access_token"] == "access-1"


async def test_a_dead_refresh_token_needs_a_person_and_shows_no_secret(clock: FakeClock) -> None:
    vendor = server(**{TOKEN: answer(400, {"success": False, "error": "invalid_grant", "message": "x"})})
    with pytest.raises(NeedsAuthorisation, match="refresh token was refused: invalid_grant") as caught:
        await connect(vendor, MemoryVault(), clock).read(REF)
    assert "s3cret" not in str(caught.value)


async def test_maintenance_of_the_token_endpoint_is_retried_later(clock: FakeClock) -> None:
    with pytest.raises(RetryLater):
        await connect(server(**{TOKEN: answer(503)}), MemoryVault(), clock).read(REF)


async def test_a_foreign_domain_in_the_token_answer_gets_no_token(clock: FakeClock) -> None:
    vendor = server(
        **{
            TOKEN: granted(1, api_domain="https://evil.example"),
            "GET https://api.pipedrive.com/api/v2/persons/1": only("access-1"),
            "GET https://api.pipedrive.com/api/v2/personFields": data([]),
        }
    )
    await connect(vendor, MemoryVault(), clock).read(REF)
    assert not any("evil" in request.url for request in vendor.requests)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"api_token": "t", "client_id": "c"},
        {"client_id": "c", "refresh_token": "r"},
        {"api_token": "t", "redirect_uri": "https://x.example"},
        {"client_id": "c", "client_secret": "s", "redirect_uri": "x.example"},
        {"api_token": "t", "colour": "blue"},
        {"api_token": "t", "base_url": "acme.pipedrive.com"},
        {"api_token": "t", "page_size": 501},
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PipedriveOptions.model_validate(given)


def test_every_option_is_described_and_secrets_stay_hidden() -> None:
    assert all(field.description for field in PIPEDRIVE.options.model_fields.values())
    assert "s3cret" not in repr(PipedriveOptions.model_validate(OAUTH))
