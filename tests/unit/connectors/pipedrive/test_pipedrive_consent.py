"""A person's consent: the page, the code, and the tokens stored for the connector."""

from urllib.parse import parse_qs, urlsplit

import pytest
from http_fakes import FakeClock, MemoryVault, ScriptedTransport, answer, fake_seams

from bridge.connectors.pipedrive import PIPEDRIVE, PipedriveConnector
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.errors import NeedsAuthorisation, RetryLater

OPTIONS = PipedriveOptions.model_validate({"client_id": "app", "client_secret": "s3cret-app"})
BACK = "https://bridge.example.com/back?here=1"
SAID = {"access_token": "a1", "refresh_token": "r1", "expires_in": 3600, "scope": "base admin"}
CONSENT = PIPEDRIVE.consent


def made(transport: ScriptedTransport, vault: MemoryVault) -> Construction:
    return Construction("crm1", OPTIONS, transport, fake_seams(FakeClock()), vault)


def test_the_page_is_the_vendors_and_an_api_token_needs_none() -> None:
    assert CONSENT is not None
    parts = urlsplit(CONSENT.address(OPTIONS, BACK, "st&te"))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://oauth.pipedrive.com/oauth/authorize"
    assert parse_qs(parts.query) == {"client_id": ["app"], "redirect_uri": [BACK], "state": ["st&te"]}
    assert CONSENT.needless(OPTIONS) is None
    assert "API token" in str(CONSENT.needless(PipedriveOptions.model_validate({"api_token": "t"})))


async def test_the_codes_tokens_are_those_the_connector_uses() -> None:
    assert CONSENT is not None
    people = answer(200, {"success": True, "data": {"id": 1, "company_id": 7, "company_name": "Acme", "name": "Ana"}})
    transport, vault = (
        ScriptedTransport([answer(200, {**SAID, "api_domain": "https://acme.pipedrive.com"}), people]),
        MemoryVault(),
    )
    assert await CONSENT.exchange(made(transport, vault), "c0de", BACK) == "base admin"
    asked: HttpRequest = transport.requests[0]
    form = {"grant_type": ["authorization_code"], "code": ["c0de"], "redirect_uri": [BACK]}
    assert parse_qs((asked.body or b"").decode()) == form
    assert asked.headers["authorization"].startswith("Basic ")
    await PipedriveConnector(made(transport, vault)).identity()
    assert transport.requests[1].headers["authorization"] == "Bearer a1"
    assert transport.requests[1].url.startswith("https://acme.pipedrive.com/")


async def test_before_any_consent_the_message_says_so() -> None:
    transport = ScriptedTransport([])
    with pytest.raises(NeedsAuthorisation, match=r"needs authorisation: no person has consented yet"):
        await PipedriveConnector(made(transport, MemoryVault())).identity()


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (answer(400, {"error": "invalid_grant"}), NeedsAuthorisation, "the code was refused: invalid_grant"),
        (answer(200, {"access_token": "a1"}), NeedsAuthorisation, "no refresh token"),
        (answer(503, {}), RetryLater, "503"),
    ],
)
async def test_a_useless_answer_stores_nothing(reply: object, error: type[Exception], words: str) -> None:
    assert CONSENT is not None
    vault = MemoryVault()
    with pytest.raises(error, match=words) as caught:
        await CONSENT.exchange(made(ScriptedTransport([reply]), vault), "s3cret-code", BACK)  # type: ignore[list-item]
    assert not vault.kept
    assert "s3cret" not in str(caught.value)
