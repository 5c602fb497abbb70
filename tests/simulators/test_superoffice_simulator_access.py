"""Sign-in of the SuperOffice simulator, and the tenant's address."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bridge.simulators.superoffice import Options, SuperOfficeSimulator
from bridge.simulators.world import World
from tests.simulators.doubles import START, HandClock, basic
from tests.simulators.superoffice_calls import ROOT, Calls, running

AUTHENTICATE = "/Login/api/PartnerSystemUser/Authenticate"
PRINCIPAL = f"{ROOT}/User/currentPrincipal"
TICKET = "http://schemes.superoffice.net/identity/ticket"


def signed(at: float = START, token: str = "Sandbox-a1b2c3d4e5") -> str:
    key = load_pem_private_key(Options().private_key.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    data = f"{token}.{datetime.fromtimestamp(at, UTC):%Y%m%d%H%M}"
    return f"{data}.{base64.b64encode(key.sign(data.encode(), PKCS1v15(), SHA256())).decode()}"


async def authenticate(calls: Calls, **changes: str) -> dict[str, Any]:
    body = {
        "SignedSystemToken": signed(),
        "ApplicationToken": "sandbox-secret",
        "ContextIdentifier": "Cust00001",
        "ReturnTokenType": "JWT",
        **changes,
    }
    async with calls.client.post(AUTHENTICATE, json=body) as answer:
        return dict(await answer.json())


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def status_with(calls: Calls, path: str = PRINCIPAL, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with calls.client.get(path, headers=named) as answer:
        return answer.status


async def test_a_signed_system_token_gives_a_ticket_in_a_jwt_that_the_published_key_checks(world: World) -> None:
    async with running(world) as calls:
        answer = await authenticate(calls)
        head, claims, signature = answer["Token"].split(".")
        async with calls.client.get("/login/.well-known/jwks") as published:
            [key] = (await published.json())["keys"]
        ticket = json.loads(decoded(claims))[TICKET]
        admitted = await status_with(calls, Authorization=f"soticket {ticket}", SO_AppToken="sandbox-secret")

    numbers = [int.from_bytes(decoded(key[name]), "big") for name in ("e", "n")]
    RSAPublicNumbers(*numbers).public_key().verify(
        decoded(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256()
    )
    assert answer["IsSuccessful"]
    assert admitted == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"SignedSystemToken": signed()[:-8] + "AAAAAAA="},
        {"SignedSystemToken": signed(token="Other-1")},
        {"SignedSystemToken": signed(START - 3600)},
        {"SignedSystemToken": "nonsense"},
        {"ApplicationToken": "other"},
        {"ContextIdentifier": "Cust99999"},
    ],
)
async def test_a_wrong_system_token_gives_no_ticket(world: World, changes: dict[str, str]) -> None:
    async with running(world) as calls:
        answer = await authenticate(calls, **changes)

    assert answer["IsSuccessful"] is False
    assert answer["Token"] is None
    assert answer["ErrorMessage"]


async def test_online_requires_a_ticket_with_the_app_token_or_a_bearer_and_no_password(world: World) -> None:
    async with running(world) as calls:
        ticket, bearer = calls.simulator.access.issue_ticket(), calls.simulator.access.issue_bearer()
        seen = [
            await status_with(calls, Authorization=f"SOTicket {ticket}", SO_AppToken="sandbox-secret"),
            await status_with(calls, Authorization=f"SOTicket {ticket}"),
            await status_with(calls, Authorization=f"Bearer {bearer}"),
            await status_with(calls, Authorization=basic("bridge", "sandbox-password")),
            await status_with(calls),
        ]

    assert seen == [200, 401, 200, 401, 401]


async def test_onsite_accepts_a_password_and_no_bearer(world: World) -> None:
    path = "/api/v1/User/currentPrincipal"
    async with running(world) as calls:
        bearer = calls.simulator.access.issue_bearer()
        seen = [
            await status_with(calls, path, Authorization=basic("bridge", "sandbox-password")),
            await status_with(calls, path, Authorization=basic("bridge", "other")),
            await status_with(calls, path, Authorization="Basic %%%"),
            await status_with(calls, path, Authorization=f"Bearer {bearer}"),
        ]

    assert seen == [200, 401, 401, 401]


async def test_each_use_renews_a_ticket_and_idle_hours_end_it(world: World, clock: HandClock) -> None:
    async with running(world) as calls:
        seen = []
        for hours in (5, 5, 6):
            await clock.advance(hours * 3600)
            seen.append((await calls.call("GET", "/User/currentPrincipal"))[0])

    assert seen == [200, 200, 401]


async def test_a_refresh_token_gives_an_access_token_for_an_hour_and_stays(world: World, clock: HandClock) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "refresh_token": "sandbox-refresh",
    }
    async with running(world) as calls:
        token = "/login/common/oauth/tokens"
        async with calls.client.post(token, data=form) as answer:
            first = await answer.json()
        async with calls.client.post(token, params=form) as answer:
            second = await answer.json()
        async with calls.client.post(token, data={**form, "refresh_token": "gone"}) as answer:
            refused = answer.status
        early = await status_with(calls, Authorization=f"Bearer {first['access_token']}")
        await clock.advance(3600)
        late = await status_with(calls, Authorization=f"Bearer {second['access_token']}")

    assert (first["expires_in"], "refresh_token" in first) == (3600, False)
    assert (early, late, refused) == (200, 401, 400)


async def test_a_tenant_that_moved_answers_421_until_the_endpoint_is_fetched(world: World) -> None:
    async with running(world) as calls:
        calls.simulator.move_tenant()
        before = await status_with(calls, **{k.replace("-", "_"): v for k, v in calls.headers.items()})
        async with calls.client.get("/api/state/Cust00001") as answer:
            where = await answer.json()
        after, _body = await calls.call("GET", "/User/currentPrincipal")

    assert before == 421
    assert where["Endpoint"].endswith("/Cust00001")
    assert (where["State"], where["IsRunning"], after) == ("Running", True, 200)


async def test_a_tenant_on_another_host_is_served_only_there(world: World) -> None:
    async with running(world) as calls:
        calls.simulator.move_tenant("localhost")
        async with calls.client.get("/api/state/Cust00001") as answer:
            endpoint = (await answer.json())["Endpoint"]
        old, _body = await calls.call("GET", "/User/currentPrincipal")
        async with calls.client.session.get(f"{endpoint}/api/v1/User/currentPrincipal", headers=calls.headers) as new:
            found = new.status

    assert endpoint.startswith("http://localhost:")
    assert (old, found) == (421, 200)


@pytest.mark.parametrize(
    ("word", "runs", "status"), [("OnlineMaintenance", True, 200), ("OfflineMaintenance", False, 503)]
)
async def test_maintenance(world: World, word: str, runs: bool, status: int) -> None:
    async with running(world) as calls:
        async with calls.client.post("/_control/tenant", json={"tenant_state": word}) as answer:
            assert answer.status == 200
        async with calls.client.get("/api/state/Cust00001") as answer:
            where = await answer.json()
        seen, _body = await calls.call("GET", "/User/currentPrincipal")

    assert (where["State"], where["IsRunning"], seen) == (word, runs, status)


async def test_the_caller_can_read_its_identity(world: World) -> None:
    async with running(world) as calls:
        _status, mine = await calls.call("GET", "/User/currentPrincipal")
        contact = await calls.make("/Contact", Name="Ours")
        theirs = calls.simulator.person_creates("contact", {"Name": "Theirs"})

    assert mine["DatabaseContextIdentifier"] == "Cust00001"
    assert contact["CreatedBy"]["AssociateId"] == mine["AssociateId"]
    assert theirs["CreatedBy"]["AssociateId"] != mine["AssociateId"]


def test_wrong_options_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="child_saves"):
        SuperOfficeSimulator(world, Options(child_saves="sometimes"))
