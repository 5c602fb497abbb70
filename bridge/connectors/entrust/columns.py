"""The property of each column. Source: the vendor's OpenAPI description (User, UserParms, Group, Organization)."""

from collections.abc import Mapping

from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.frozen import dataclass

LOCALES = (
    "da",
    "de",
    "en",
    "es",
    "fr",
    "it",
    "ja",
    "ko",
    "nl",
    "nb",
    "pl",
    "pt",
    "ru",
    "sv",
    "th",
    "tr",
    "zh-cn",
    "zh-tw",
)
STATES = ("ACTIVE", "INACTIVE")
TYPES = ("LDAP_AD", "MGMT_UI", "EXTERNAL")
DELIVERIES = ("EMAIL", "SMS", "VOICE", "SYSTEM")
COLLECTIONS = ("userAttributeValues", "userAliases", "groups", "organizations")
"""Parts of a user that a search returns only on request."""


@dataclass(frozen=True, slots=True)
class Property:
    """One column. `name`: the vendor's property. `cleared`: the value that empties it, None
    when it cannot be emptied."""

    name: str
    spec: ColumnSpec
    cleared: str | None = ""


def _text(name: str) -> Property:
    return Property(name, ColumnSpec(Column.TEXT))


def _needed(name: str) -> Property:
    return Property(name, ColumnSpec(Column.TEXT, required=True), None)


def _choice(name: str, choices: tuple[str, ...], cleared: str | None = None) -> Property:
    return Property(name, ColumnSpec(Column.CHOICE, choices=choices), cleared)


def _flag(name: str, *, writable: bool = True) -> Property:
    return Property(name, ColumnSpec(Column.BOOLEAN, writable=writable), None)


def _moment(name: str) -> Property:
    return Property(name, ColumnSpec(Column.INSTANT, writable=False), None)


USER: Mapping[str, Property] = {
    "user_id": _needed("userId"),
    "first_name": _text("firstName"),
    "last_name": _text("lastName"),
    "email": _text("email"),
    "mobile": _text("mobile"),
    "phone": _text("phone"),
    "user_principal_name": _text("userPrincipalName"),
    "external_id": _text("externalId"),
    "external_source": _text("externalSource"),
    "security_id": _text("securityId"),
    "locale": _choice("locale", LOCALES, ""),
    "state": _choice("state", STATES),
    "preferred_otp_delivery": _choice("preferredOtpDelivery", DELIVERIES, "SYSTEM"),
    "registration_required": _flag("registrationRequired"),
    "verification_required": _flag("verificationRequired"),
    "locked": _flag("locked", writable=False),
    "frozen": _flag("frozen", writable=False),
    "type": Property("type", ColumnSpec(Column.CHOICE, writable=False, choices=TYPES), None),
    "user_creation_time": _moment("userCreationTime"),
    "last_modified": _moment("lastModified"),
    "last_auth_time": _moment("lastAuthTime"),
}
USER_SETS: Mapping[str, ColumnSpec] = {
    "aliases": ColumnSpec(Column.SET, writable=False),
    "groups": ColumnSpec(Column.SET),
    "organizations": ColumnSpec(Column.SET),
    "organization": ColumnSpec(Column.REFERENCE, to="organization"),
}
"""Columns made from the collections. `organization` is set if the user has at most one."""

GROUP: Mapping[str, Property] = {
    "name": _needed("name"),
    "external_id": _text("externalId"),
    "attribute": _text("attribute"),
    "type": Property("type", ColumnSpec(Column.CHOICE, writable=False, choices=TYPES[:2]), None),
    "directory_desynced": _flag("directoryDesynced", writable=False),
    "created": _moment("created"),
    "last_modified": _moment("lastModified"),
}
ORGANIZATION: Mapping[str, Property] = {
    "name": _needed("name"),
    "display_name": _needed("displayName"),
    "description": _text("description"),
    "logo_uri": _text("logoUri"),
}
