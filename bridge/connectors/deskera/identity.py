"""Which organisation a token opens, and whether it is still valid. Source: page "OAuth V2" (token validation)."""

from typing import Any

from bridge.connectors.calls import Call
from bridge.connectors.deskera.client import DeskeraClient
from bridge.connectors.deskera.contact_listing import PATH as CONTACTS
from bridge.connectors.deskera.contact_listing import ContactListing
from bridge.connectors.deskera.tokens import claims, tenant_of
from bridge.connectors.deskera.values import known_reference
from bridge.connectors.protocols import Identity
from bridge.domain.errors import NeedsAuthorisation

VALIDATE = "/v1/iam/token/app/validate"


async def probe(client: DeskeraClient) -> None:
    """Calls Deskera's token validation. If the server lacks it, one contact is listed instead."""
    answer = await client.send(Call("GET", VALIDATE, accept=frozenset({400, 403, 404, 405}), tries=1))
    if answer.status in (404, 405):
        await client.send(Call("GET", CONTACTS, query=[("page", "1"), ("limit", "1")], tries=1))
    elif answer.status in (400, 403):
        raise NeedsAuthorisation(client.system, f"Deskera says the token is not valid ({answer.status})")


def _tenant(raw: Any) -> str | None:
    return known_reference(raw.get("tenant_id")) if isinstance(raw, dict) else None


async def identity(client: DeskeraClient, contacts: ContactListing) -> Identity:
    """The organisation, from the token's claims or from any contact (both show the tenant's number)."""
    await probe(client)
    token = (await client.tokens.current()).access
    tenant = tenant_of(token)
    if tenant is None:
        rows = (await contacts.newest_first(1)).rows
        tenant = next((each for raw in rows if (each := _tenant(raw)) is not None), None)
    if tenant is None:
        text = "neither the token nor a contact shows which organisation this is: create one contact in Deskera"
        raise NeedsAuthorisation(client.system, text)
    user = known_reference(claims(token).get("userId") or claims(token).get("iamUserId")) or ""
    return Identity(tenant, f"Deskera organisation {tenant}", user)
