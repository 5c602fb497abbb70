"""A person's consent: the environment's page, the code in the query, both generations of the answer."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from deskera_fakes import BASE, FakeDeskera, jwt
from http_fakes import FakeClock, answer, fake_seams

from bridge.connectors.deskera import DESKERA, DeskeraOptions
from bridge.connectors.product import Construction
from bridge.domain.errors import NeedsAuthorisation

GIVEN: dict[str, Any] = {"client_id": "cl_pub_1", "client_secret": "cl_priv_1", "access_token": None}
V2 = "POST /v2/oauth/token"
NONE = {"access_token": None, "refresh_token": None}


@pytest.fixture
def fake(clock: FakeClock) -> FakeDeskera:
    return FakeDeskera(clock)


async def exchange(fake: FakeDeskera, **options: Any) -> str:
    assert DESKERA.consent is not None
    chosen = DeskeraOptions(**{"base_url": BASE, **GIVEN, **options})
    made = Construction("erp1", chosen, fake, fake_seams(fake.clock), fake.vault)
    return await DESKERA.consent.exchange(made, "c0de", "https://bridge.example.com/")


@pytest.mark.parametrize(
    ("base_url", "more", "host", "scope"),
    [
        ("https://bifrost.deskera.com", {}, "appauth.deskera.com", "write"),
        ("https://bifrost-us.deskera.com/", {}, "oauth.deskera.com", "write"),
        (
            BASE,
            {"consent_url": "https://consent.example/in", "token_path": "/oauth/token"},
            "consent.example",
            "read write",
        ),
    ],
)
def test_the_page_is_that_of_the_environment(base_url: str, more: dict[str, str], host: str, scope: str) -> None:
    assert DESKERA.consent is not None
    options = DeskeraOptions(**{"base_url": base_url, **GIVEN, **more})
    parts = urlsplit(DESKERA.consent.address(options, "https://bridge.example.com/", "st"))
    assert (parts.netloc, DESKERA.consent.needless(options)) == (host, None)
    said = {"client_id": ["cl_pub_1"], "scope": [scope], "state": ["st"], "response_type": ["code"]}
    assert parse_qs(parts.query) == said


def test_an_unknown_environment_asks_for_the_pages_address() -> None:
    assert DESKERA.consent is not None
    assert "add consent_url" in str(DESKERA.consent.needless(DeskeraOptions(**{"base_url": BASE, **GIVEN})))


async def test_the_codes_tokens_are_those_the_connector_uses(fake: FakeDeskera) -> None:
    fake.special[V2] = [answer(200, {"access_token": fake.access, "refresh_token": "r1", "expires_in": 0})]
    await exchange(fake)
    query = dict(fake.requests[0].query)
    assert query == {"grant_type": "authorization_code", "code": "c0de", "scope": "write"}
    await fake.connector(**NONE).probe()
    assert fake.requests[-1].headers["x-access-token"] == fake.access


async def test_the_older_answer_holds_the_tokens_to_use_under_other_names(fake: FakeDeskera) -> None:
    fake.special = {
        V2: [answer(404)],
        "POST /oauth/token": [
            answer(200, {"access_token": "short", "deskera-token": jwt(mark="b"), "deskera-refresh-token": "r9"})
        ],
    }
    await exchange(fake)
    kept = fake.vault.kept["deskera:erp1"]
    assert (kept["access_token"], kept["refresh_token"]) == (jwt(mark="b"), "r9")


async def test_a_refused_code_keeps_nothing(fake: FakeDeskera) -> None:
    fake.special[V2] = [answer(400, {"code": 400, "errorMessage": "Invalid authorization code"})]
    with pytest.raises(NeedsAuthorisation, match="Deskera refused to issue a token"):
        await exchange(fake)
    assert not fake.vault.kept


async def test_before_any_consent_the_message_says_so(fake: FakeDeskera) -> None:
    with pytest.raises(NeedsAuthorisation, match=r"needs authorisation: no person has consented yet"):
        await fake.connector(**NONE).probe()
