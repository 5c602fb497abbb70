"""A person's consent to work with one organisation. Sources: pages "OAuth V2" and "Environments"."""

from bridge.connectors.deskera.auth import TokenKeeper, consent_scope
from bridge.connectors.deskera.options import DeskeraOptions
from bridge.connectors.oauth import page
from bridge.connectors.product import Consent, Construction, Needless

PAGES = {
    "https://bifrost.deskera.com": "https://appauth.deskera.com/",
    "https://bifrost-us.deskera.com": "https://oauth.deskera.com/",
    "https://api-staging.deskera.xyz": "https://oauth-staging.deskera.xyz/",
}


def _page(options: DeskeraOptions) -> str:
    return options.consent_url or PAGES.get(options.base_url.rstrip("/"), "")


def _needless(options: DeskeraOptions) -> Needless | None:
    why, instead = "no consent page is known for this base_url", "add consent_url to ask there"
    return None if _page(options) else Needless(why, instead)


def _address(options: DeskeraOptions, redirect: str, state: str) -> str:
    """The consent page's address. The vendor knows the redirect address from the registration of the app."""
    scope = consent_scope(options)
    return page(_page(options), client_id=options.client_id, scope=scope, state=state, response_type="code")


async def _exchange(construction: Construction, code: str, redirect: str) -> str:
    await TokenKeeper(construction).exchange(code)
    return f"scope {consent_scope(construction.options)}, as asked for"


CONSENT = Consent(_needless, lambda options: options.redirect_uri, _address, _exchange)
