"""Credentials: an API token, or OAuth with tokens kept in the vault.

Vendor pages "Authentication" and "OAuth authorization".
"""

from base64 import b64encode
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from bridge.connectors.oauth import (
    CODE_REFUSED,
    Credential,
    FixedHeader,
    Grant,
    OAuth,
    SignInDialect,
    exchange,
    keep,
    page,
    sign_in_client,
)
from bridge.connectors.pipedrive.options import SHARED_HOST, PipedriveOptions
from bridge.connectors.pipedrive.refusals import read_words
from bridge.connectors.product import Consent, Construction
from bridge.connectors.protocols import HttpRequest


def credential(construction: Construction) -> Credential:
    """An API token goes into a header only: an address may end up in somebody's log."""
    options: PipedriveOptions = construction.options
    if options.api_token is not None:
        return FixedHeader("x-api-token", options.api_token.get_secret_value())
    grant = _grant(options)
    client = sign_in_client(construction, grant.url, SignInDialect(read_words, "the refresh token was refused"))
    if options.base_url == SHARED_HOST:
        return CompanyOAuth(construction, client, grant)
    return OAuth(construction, client, grant)


def _grant(options: PipedriveOptions) -> Grant:
    assert options.client_id
    assert options.client_secret
    pair = f"{options.client_id}:{options.client_secret.get_secret_value()}"
    basic = "Basic " + b64encode(pair.encode()).decode()
    given = options.refresh_token.get_secret_value() if options.refresh_token else ""
    return Grant(options.token_url, given, headers={"authorization": basic}, also=("api_domain",))


class CompanyOAuth(OAuth):
    """The token's answer names the company's own host, which is called instead of the shared one."""

    async def authorise(self, request: HttpRequest) -> HttpRequest:
        request = await super().authorise(request)
        domain = self._kept.get("api_domain", "")
        if not (request.url.startswith(SHARED_HOST) and _is_vendor(domain)):
            return request
        return replace(request, url=domain.rstrip("/") + request.url[len(SHARED_HOST) :])


def _is_vendor(domain: str) -> bool:
    """The access token is sent to this address, so it must be the vendor's."""
    parts = urlsplit(domain)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".pipedrive.com")


def _needless(options: PipedriveOptions) -> str:
    return "an API token works without consent" if options.api_token is not None else ""


def _consent_page(options: PipedriveOptions, redirect: str, state: str) -> str:
    """The page is beside the token endpoint."""
    assert options.client_id
    url = urljoin(options.token_url, "authorize")
    return page(url, client_id=options.client_id, redirect_uri=redirect, state=state)


async def _exchange(construction: Construction, code: str, redirect: str) -> str:
    grant = _grant(construction.options)
    client = sign_in_client(construction, grant.url, SignInDialect(read_words, CODE_REFUSED))
    said = await exchange(client, grant, code, redirect)
    await keep(construction, grant, said)
    return str(said.get("scope") or "")


CONSENT = Consent(_needless, lambda options: options.redirect_uri, _consent_page, _exchange)
