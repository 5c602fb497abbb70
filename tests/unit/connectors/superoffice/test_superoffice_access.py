"""Signing in, and finding the tenant's address."""

import asyncio
import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from http_fakes import FakeClock, MemoryVault, answer
from pydantic import ValidationError
from superoffice_fakes import (
    CONTACT,
    REF,
    SITE,
    TICKET,
    Vendor,
    app_key,
    connect,
    jwks,
    jwt,
    number,
    pem,
    vendor,
    vendor_key,
)

from bridge.connectors.json_text import read_json
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.connectors.superoffice.signing import BadToken, read_private_key, read_ticket
from bridge.domain.errors import NeedsAuthorisation, RemoteError, RetryLater, Unreachable
from bridge.domain.record import Record

OAUTH = {"system_token": None, "private_key": None, "client_id": "app", "refresh_token": "s3cret-refresh"}
WHO = {"AssociateId": 7, "DatabaseContextIdentifier": "Cust12345"}


def me() -> Vendor:
    return vendor({"GET User/currentPrincipal": answer(200, WHO)})


async def test_the_system_user_signs_its_token_and_shows_the_ticket_with_the_apps_token() -> None:
    server = me()
    identity = await connect(server).identity()
    assert (identity.key, identity.user) == ("Cust12345", "7")
    (asked,) = server.to_login("/Login/api/PartnerSystemUser/Authenticate")
    said = read_json(asked.body or b"")
    data, _, signature = said["SignedSystemToken"].rpartition(".")
    assert data == "Bridge-s3cret.202603021000"
    app_key().public_key().verify(base64.b64decode(signature), data.encode(), padding.PKCS1v15(), hashes.SHA256())
    shape = (said["ApplicationToken"], said["ContextIdentifier"], said["ReturnTokenType"])
    assert shape == ("s3cret-app", "Cust12345", "JWT")
    (call,) = server.sent("GET")
    assert call.headers["authorization"] == "SOTicket 7T:1"
    assert call.headers["so-apptoken"] == "s3cret-app"


async def test_a_ticket_is_fetched_once_and_kept_for_the_next_start() -> None:
    server, vault = me(), MemoryVault()
    await asyncio.gather(*(connect(server, vault=vault).probe() for _ in range(1)))
    again = connect(server, vault=vault)
    await asyncio.gather(*(again.probe() for _ in range(5)))
    assert server.ticket == 1


async def test_a_refused_ticket_is_renewed_once_for_all_who_wait() -> None:
    def by_ticket(request: Any) -> Any:
        return answer(200, WHO) if request.headers["authorization"] == "SOTicket 7T:2" else answer(401)

    server = vendor({"GET User/currentPrincipal": by_ticket})
    connector = connect(server)
    await asyncio.gather(*(connector.probe() for _ in range(5)))
    assert server.ticket == 2


async def test_a_refusal_after_two_renewals_needs_a_person() -> None:
    server = vendor({"GET User/currentPrincipal": answer(401)})
    with pytest.raises(NeedsAuthorisation):
        await connect(server).probe()
    assert server.ticket == 3


async def test_a_ticket_unused_for_six_hours_is_replaced_before_it_is_shown() -> None:
    server, clock = me(), FakeClock()
    connector = connect(server, clock)
    for hours in (5, 5, 6):
        await connector.probe()
        clock.seconds += hours * 3600
    assert server.ticket == 1
    await connector.probe()
    assert server.ticket == 2


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, {"IsSuccessful": False, "ErrorMessage": "no consent"}),
        answer(401, {"Error": True, "ErrorMessage": "no consent"}),
        answer(403),
    ],
)
async def test_a_refused_system_user_needs_a_person_and_shows_no_secret(reply: Any) -> None:
    server = vendor({"/Login/api/PartnerSystemUser/Authenticate": reply})
    with pytest.raises(NeedsAuthorisation) as caught:
        await connect(server).probe()
    assert "s3cret" not in str(caught.value)


async def test_a_ticket_not_signed_by_the_vendor_is_not_used() -> None:
    forged = answer(200, {"IsSuccessful": True, "Token": jwt({TICKET: "7T:x"}, app_key())})
    server = vendor({"/Login/api/PartnerSystemUser/Authenticate": forged})
    with pytest.raises(RetryLater, match="not signed"):
        await connect(server).probe()
    assert server.sent("GET") == []


@pytest.mark.parametrize("token", ["", "a.b.c", "a.b", "!.!.!", jwt({TICKET: "7T:x"}, alg="none"), jwt({})])
def test_a_token_of_any_other_form_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        read_ticket(token, jwks())


@pytest.mark.parametrize("keys", [None, [], {}, {"keys": None}, {"keys": [{"kty": "RSA"}, 5, {"kty": "EC"}]}])
def test_without_the_vendors_keys_no_token_is_accepted(keys: Any) -> None:
    with pytest.raises(BadToken):
        read_ticket(jwt({TICKET: "7T:x"}), keys)


def test_an_unknown_key_id_tries_all_keys_and_expiry_does_not_count() -> None:
    keys = jwks()
    keys["keys"][0]["kid"] = "other"
    assert read_ticket(jwt({TICKET: "7T:x", "exp": 1}), keys) == "7T:x"


def test_a_key_in_the_vendors_xml_form_is_the_same_key() -> None:
    numbers = app_key().private_numbers()
    parts = {
        "Modulus": numbers.public_numbers.n,
        "Exponent": numbers.public_numbers.e,
        "P": numbers.p,
        "Q": numbers.q,
        "DP": numbers.dmp1,
        "DQ": numbers.dmq1,
        "InverseQ": numbers.iqmp,
        "D": numbers.d,
    }
    inside = "".join(f"<{name}>{base64.b64encode(number(value)).decode()}</{name}>" for name, value in parts.items())
    read = read_private_key(f"<RSAKeyValue>{inside}</RSAKeyValue>")
    assert read.private_numbers() == numbers


@pytest.mark.parametrize("text", ["", "s3cret", "<RSAKeyValue></RSAKeyValue>", "-----BEGIN PRIVATE KEY-----\ns3cret"])
def test_a_key_in_an_unknown_form_is_reported_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="neither an RSA key") as caught:
        read_private_key(text)
    assert "s3cret" not in str(caught.value)


async def test_oauth_refreshes_early_and_keeps_the_refresh_token() -> None:
    server, clock, vault = me(), FakeClock(), MemoryVault()
    connector = connect(server, clock, vault, **OAUTH)
    await connector.probe()
    clock.seconds += 2800
    await connector.probe()
    clock.seconds += 200
    await connector.probe()
    first, second = server.to_login("/login/common/oauth/tokens")
    assert first.body == second.body
    assert b"grant_type=refresh_token" in (first.body or b"")
    assert [one.headers["authorization"] for one in server.sent("GET")] == ["Bearer 8A:1"] * 2 + ["Bearer 8A:2"]
    assert "so-apptoken" not in server.sent("GET")[0].headers
    assert vault.kept["crm1"]["refresh_token"] == "s3cret-refresh"


async def test_a_revoked_consent_needs_a_person() -> None:
    server = vendor({"/login/common/oauth/tokens": answer(400, {"error": "invalid_grant"})})
    with pytest.raises(NeedsAuthorisation, match="invalid_grant") as caught:
        await connect(server, **OAUTH).probe()
    assert "s3cret" not in str(caught.value)


async def test_onsite_shows_user_and_password_and_calls_no_sign_in_host() -> None:
    server = me()
    server.site = "https://crm.example.com/so"
    given = dict.fromkeys(["tenant", "client_secret", "system_token", "private_key"])
    onsite = {"base_url": f"{server.site}/api/", "username": "ana", "password": "s3cret"}
    identity = await connect(server, **given, **onsite).identity()
    assert identity.key == "https://crm.example.com/so"
    (call,) = server.requests
    assert call.headers["authorization"] == "Basic " + base64.b64encode(b"ana:s3cret").decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tenant": None}, "tenant"),
        ({"base_url": "https://x.example"}, "tenant"),
        ({"tenant": None, "base_url": "https://x.example"}, "online only"),
        ({"private_key": None}, "private_key"),
        ({"username": "ana", "password": "x"}, "one of"),
        ({"private_key": "s3cret"}, "neither an RSA key"),
        ({"login_url": "ftp://x"}, "https"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_options_that_make_no_credential_are_refused(changed: dict[str, Any], words: str) -> None:
    given = {
        "tenant": "Cust12345",
        "client_secret": "s3cret-app",
        "system_token": "s3cret-token",
        "private_key": pem(vendor_key()),
        **changed,
    }
    with pytest.raises(ValidationError, match=words) as caught:
        SuperOfficeOptions.model_validate({name: value for name, value in given.items() if value is not None})
    assert "PRIVATE KEY" not in str(caught.value)


async def test_the_tenants_address_is_fetched_again_after_its_lifetime() -> None:
    server, clock = me(), FakeClock()
    connector = connect(server, clock)
    await connector.probe()
    await connector.probe()
    assert len(server.to_login("/api/state/Cust12345")) == 1
    clock.seconds += 3600
    await connector.probe()
    assert len(server.to_login("/api/state/Cust12345")) == 2


async def test_the_tenants_address_is_fetched_again_after_a_day_whatever_its_lifetime() -> None:
    server, clock = me(), FakeClock()
    state = {"Api": f"{SITE}/api", "IsRunning": True, "ValidUntil": "9999-12-31T23:59:59Z"}
    server.routes["/api/state/Cust12345"] = answer(200, state)
    connector = connect(server, clock)
    await connector.probe()
    clock.seconds += 24 * 3600
    await connector.probe()
    assert len(server.to_login("/api/state/Cust12345")) == 2


async def test_a_tenant_that_moved_is_found_and_the_call_repeated() -> None:
    server = vendor({"PATCH Contact/42": answer(200, CONTACT)})
    connector = connect(server)
    fresh = await connector.read(REF)
    assert isinstance(fresh, Record)
    server.site = server.told = "https://app.superoffice.com/Cust12345"
    assert (await connector.update(fresh, {"name": "x"})).id == "42"
    assert len(server.sent("PATCH")) == 1


async def test_a_tenant_that_does_not_answer_is_unreachable() -> None:
    server = me()
    server.site = "https://app.superoffice.com/Cust12345"
    with pytest.raises(Unreachable, match="421"):
        await connect(server).probe()
    assert len(server.to_login("/api/state")) == 2


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ({"IsRunning": False, "State": "OfflineMaintenance"}, Unreachable),
        ({"IsRunning": False, "State": 6}, Unreachable),
        ({"IsRunning": False, "State": "Suspended"}, NeedsAuthorisation),
        ({"IsRunning": False, "State": 3}, NeedsAuthorisation),
        ({"IsRunning": True, "Api": "https://evil.example/Cust12345/api"}, Unreachable),
        ({"IsRunning": True, "Api": "http://online7.superoffice.com/Cust12345/api"}, Unreachable),
        ({"IsRunning": True}, RetryLater),
        ([], RetryLater),
    ],
)
async def test_no_credential_goes_to_a_tenant_that_is_down_or_elsewhere(state: Any, error: type[RemoteError]) -> None:
    server = vendor({"/api/state/Cust12345": answer(200, state)})
    with pytest.raises(error):
        await connect(server).probe()
    assert all(one.url.startswith("https://online.superoffice.com/api/state") for one in server.requests)


async def test_an_endpoint_without_the_tenant_in_it_gets_it() -> None:
    server = me()
    server.routes["/api/state/Cust12345"] = answer(200, {"Endpoint": "https://online7.superoffice.com/"})
    await connect(server).probe()
    assert server.sent("GET")[0].url == f"{SITE}/api/v1/User/currentPrincipal"


async def test_calls_respect_the_configured_pace() -> None:
    server, clock = me(), FakeClock()
    connector = connect(server, clock, requests_per_second=5)
    for _ in range(14):
        await connector.probe()
    assert clock.seconds == pytest.approx(2.0)
