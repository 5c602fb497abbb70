"""A person's consent to an OAuth app. Vendor page "OAuth authorization"."""

from urllib.parse import urljoin

from bridge.connectors.oauth import CODE_REFUSED, SignInDialect, exchange, keep, page, sign_in_client
from bridge.connectors.pipedrive.auth import grant_of
from bridge.connectors.pipedrive.options import PipedriveOptions
from bridge.connectors.pipedrive.refusals import read_words
from bridge.connectors.product import Consent, Construction, Needless


def _needless(options: PipedriveOptions) -> Needless | None:
    return Needless("an API token works without consent") if options.api_token is not None else None


def _consent_page(options: PipedriveOptions, redirect: str, state: str) -> str:
    """The consent page's address, beside the token endpoint."""
    assert options.client_id
    url = urljoin(options.token_url, "authorize")
    return page(url, client_id=options.client_id, redirect_uri=redirect, state=state)


async def _exchange(construction: Construction, code: str, redirect: str) -> str:
    grant = grant_of(construction.options)
    client = sign_in_client(construction, grant.url, SignInDialect(read_words, CODE_REFUSED))
    said = await exchange(client, grant, code, redirect)
    await keep(construction, grant, said)
    return str(said.get("scope") or "")


CONSENT = Consent(_needless, lambda options: options.redirect_uri, _consent_page, _exchange)
