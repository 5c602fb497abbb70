"""A person's consent gives a user's tokens; an administrator's consent gives the system user's token."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from http_fakes import FakeClock, MemoryVault, answer, fake_seams
from superoffice_fakes import Vendor, app_key, connect, jwt, pem, vendor

from bridge.connectors.json_text import read_json
from bridge.connectors.product import Construction
from bridge.connectors.superoffice import SUPEROFFICE
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.domain.errors import NeedsAuthorisation

TOKENS = "/login/common/oauth/tokens"
CLAIMS = "http://schemes.superoffice.net/identity/"
BACK = "https://bridge.example.com/"
USER: dict[str, Any] = {"tenant": "Cust12345", "client_id": "app", "client_secret": "s3cret-app"}
SYSTEM = {**USER, "private_key": pem(app_key())}
WHO = answer(200, {"AssociateId": 7, "DatabaseContextIdentifier": "Cust12345"})


def signed_in(key: rsa.RSAPrivateKey | None = None, **claims: str) -> Vendor:
    said = {f"{CLAIMS}{name}": value for name, value in {"ctx": "Cust12345", **claims}.items()}
    tokens = {"access_token": "8A:new", "refresh_token": "r1", "expires_in": 3600, "id_token": jwt(said, key)}
    return vendor({TOKENS: answer(200, tokens), "GET User/currentPrincipal": WHO})


async def exchange(server: Vendor, vault: MemoryVault, options: dict[str, Any]) -> str:
    assert SUPEROFFICE.consent is not None
    chosen = SuperOfficeOptions.model_validate(options)
    made = Construction("crm1", chosen, server, fake_seams(FakeClock()), vault)
    return await SUPEROFFICE.consent.exchange(made, "c0de", BACK)


def test_the_page_is_the_vendors() -> None:
    assert SUPEROFFICE.consent is not None
    parts = urlsplit(SUPEROFFICE.consent.address(SuperOfficeOptions.model_validate(USER), BACK, "st"))
    assert f"{parts.netloc}{parts.path}" == "online.superoffice.com/login/common/oauth/authorize"
    said = {"client_id": ["app"], "redirect_uri": [BACK], "scope": ["openid"], "state": ["st"]}
    assert parse_qs(parts.query) == {**said, "response_type": ["code"]}


async def test_a_users_tokens_are_those_the_connector_uses() -> None:
    server, vault = signed_in(), MemoryVault()
    await exchange(server, vault, USER)
    form = parse_qs((server.to_login(TOKENS)[0].body or b"").decode())
    assert (form["grant_type"], form["code"], form["redirect_uri"]) == (["authorization_code"], ["c0de"], [BACK])
    connector = connect(server, vault=vault, client_id="app", system_token=None, private_key=None)
    await connector.identity()
    assert server.sent("GET")[0].headers["authorization"] == "Bearer 8A:new"


async def test_an_administrators_consent_gives_the_system_users_token_which_outlives_a_ticket() -> None:
    server, vault = signed_in(system_token="Bridge-n3w"), MemoryVault()
    await exchange(server, vault, SYSTEM)
    assert vault.kept["crm1"] == {"system_token": "Bridge-n3w"}
    await connect(server, vault=vault, client_id="app", system_token=None).identity()
    (asked,) = server.to_login("/Login/api/PartnerSystemUser/Authenticate")
    assert read_json(asked.body or b"")["SignedSystemToken"].startswith("Bridge-n3w.")
    assert (vault.kept["crm1"]["ticket"], vault.kept["crm1"]["system_token"]) == ("7T:1", "Bridge-n3w")


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (signed_in(), "an administrator"),
        (signed_in(ctx="Cust99999", system_token="t"), "was given for Cust99999, not for Cust12345"),
        (signed_in(app_key(), system_token="t"), "not signed by a key of SuperOffice"),
        (vendor({TOKENS: answer(400, {"error": "invalid_grant"})}), "the code was refused: invalid_grant"),
    ],
)
async def test_a_useless_consent_stores_nothing(server: Vendor, words: str) -> None:
    vault = MemoryVault()
    with pytest.raises(NeedsAuthorisation, match=words):
        await exchange(server, vault, SYSTEM)
    assert not vault.kept


@pytest.mark.parametrize("options", [USER, SYSTEM])
async def test_before_any_consent_the_message_says_so(options: dict[str, Any]) -> None:
    given = {"client_id": "app", "system_token": None, "private_key": options.get("private_key")}
    with pytest.raises(NeedsAuthorisation, match=r"needs authorisation: no person has consented yet"):
        await connect(vendor(), **given).probe()


def test_a_sign_in_without_consent_says_why() -> None:
    assert SUPEROFFICE.consent is not None
    onsite = {"base_url": "https://crm.example.com", "username": "u", "password": "p"}
    given = {**SYSTEM, "client_id": None, "system_token": "t"}
    assert "without consent" in str(SUPEROFFICE.consent.needless(SuperOfficeOptions.model_validate(onsite)))
    assert "add client_id" in str(SUPEROFFICE.consent.needless(SuperOfficeOptions.model_validate(given)))
