"""Credentials: an API token, or OAuth with tokens in the vault.

Vendor pages "Authentication" and "OAuth authorization".
"""

from base64 import b64encode
from urllib.parse import urlsplit

from bridge.connectors.oauth import (
    Credential,
    FixedHeader,
    Grant,
    OAuth,
    SignInDialect,
    sign_in_client,
)
from bridge.connectors.pipedrive.options import SHARED_HOST, PipedriveOptions
from bridge.connectors.pipedrive.refusals import read_words
from bridge.connectors.product import Construction
from bridge.connectors.protocols import HttpRequest
from bridge.domain.frozen import replace


def credential(construction: Construction) -> Credential:
    """The credential of these options. An API token goes into a header only, because an
    address may be logged somewhere."""
    options: PipedriveOptions = construction.options
    if options.api_token is not None:
        return FixedHeader("x-api-token", options.api_token.get_secret_value())
    grant = grant_of(options)
    client = sign_in_client(construction, grant.url, SignInDialect(read_words, "the refresh token was refused"))
    if options.base_url == SHARED_HOST:
        return CompanyOAuth(construction, client, grant)
    return OAuth(construction, client, grant)


def grant_of(options: PipedriveOptions) -> Grant:
    assert options.client_id
    assert options.client_secret
    pair = f"{options.client_id}:{options.client_secret.get_secret_value()}"
    basic = "Basic " + b64encode(pair.encode()).decode()
    given = options.refresh_token.get_secret_value() if options.refresh_token else ""
    return Grant(options.token_url, given, headers={"authorization": basic}, also=("api_domain",))


class CompanyOAuth(OAuth):
    """Calls the company's own host instead of the shared one. The token's answer names it."""

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
