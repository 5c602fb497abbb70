"""A person's consent. It yields tokens of that user; an administrator's consent can yield the token of the system user.

Vendor pages "OAuth 2.0 and OpenID Connect", "System user flow".
"""

from collections.abc import Mapping

from bridge.connectors.calls import Call
from bridge.connectors.http import HttpClient
from bridge.connectors.limits import SMALL_BYTES
from bridge.connectors.oauth import CODE_REFUSED, SignInDialect, exchange, keep, page, sign_in_client
from bridge.connectors.product import Consent, Construction, Needless
from bridge.connectors.superoffice.auth import user_grant
from bridge.connectors.superoffice.options import SuperOfficeOptions
from bridge.connectors.superoffice.refusals import read_words
from bridge.connectors.superoffice.signing import BadToken, read_claims
from bridge.domain.errors import NeedsAuthorisation

JWKS = "login/.well-known/jwks"


def _needless(options: SuperOfficeOptions) -> Needless | None:
    if options.way == "password":
        return Needless("user and password work without consent")
    why, instead = "the system token is in the settings", "add client_id to fetch another one"
    return None if options.client_id else Needless(why, instead)


def _address(options: SuperOfficeOptions, redirect: str, state: str) -> str:
    assert options.client_id
    url = f"{options.login_url}/login/common/oauth/authorize"
    query = {"client_id": options.client_id, "redirect_uri": redirect, "scope": "openid", "state": state}
    return page(url, response_type="code", **query)


async def _exchange(construction: Construction, code: str, redirect: str) -> str:
    options: SuperOfficeOptions = construction.options
    grant = user_grant(options)
    client = sign_in_client(construction, options.login_url, SignInDialect(read_words, CODE_REFUSED))
    said = await exchange(client, grant, code, redirect)
    claims = await _claims(construction, client, str(said.get("id_token") or ""))
    if options.way == "user's consent":
        await keep(construction, grant, said)
        return ""
    system_token = claims.get("system_token")
    if not system_token:
        text = "the consent yields no system user token: it takes an administrator, and an app with a system user"
        raise NeedsAuthorisation(construction.system, text)
    await construction.vault.save(construction.system, {"system_token": system_token})
    return "all data: the system user is not bound by a person's rights"


async def _claims(construction: Construction, client: HttpClient, id_token: str) -> Mapping[str, str]:
    """The claims that the vendor signed. The consent must be for the configured tenant."""
    url = f"{construction.options.login_url}/{JWKS}"
    keys = await client.send(Call("GET", url, template=JWKS, most_bytes=SMALL_BYTES))
    try:
        claims = read_claims(id_token, keys.json())
    except BadToken as wrong:
        raise NeedsAuthorisation(construction.system, f"the consent's answer cannot be used: {wrong}") from None
    tenant = construction.options.tenant
    if tenant is not None and claims.get("ctx", tenant) != tenant:
        raise NeedsAuthorisation(construction.system, f"the consent was given for {claims['ctx']}, not for {tenant}")
    return claims


CONSENT = Consent(_needless, lambda options: options.redirect_uri, _address, _exchange)
