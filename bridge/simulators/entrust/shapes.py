"""Records as the API shows them."""

from bridge.simulators.entrust.changes import TEXTS
from bridge.simulators.entrust.state import State
from bridge.simulators.records import Record

# Collections that a search shows only on request.
COLLECTIONS = frozenset(
    {
        "grids", "tokens", "smartCredentials", "tempAccessCode", "fidoTokens", "userAttributeValues", "userAliases",
        "groups", "oauthRoles", "authenticatorLockoutStatus", "organizations",
    }
)  # fmt: skip
_PLAIN = (
    "id", "type", "state", "locked", "registrationRequired", "verificationRequired", "preferredOtpDelivery",
    "userCreationTime", "lastModified",
)  # fmt: skip


def user_shape(state: State, user: Record, wanted: frozenset[str]) -> Record:
    """A user with the wanted collections. Empty texts are left out."""
    shown = {name: user[name] for name in _PLAIN}
    shown |= {name: user[name] for name in TEXTS if user[name] is not None}
    shown |= {"frozen": False, "migrated": False}
    if "userAttributeValues" in wanted:
        shown["userAttributeValues"] = attribute_values(state, user)
    if "userAliases" in wanted:
        shown["userAliases"] = [
            {"id": value, "type": "CUSTOM", "userId": user["id"], "value": value} for value in user["aliases"]
        ]
    for name in ("groups", "organizations"):
        if name in wanted:
            known = (state.get(name, one) for one in user[name])
            shown[name] = [plain_shape(record) for record in known if record is not None]
    for name in ("grids", "tokens", "smartCredentials", "fidoTokens", "oauthRoles"):
        if name in wanted:
            shown[name] = []
    return shown


def attribute_values(state: State, user: Record) -> list[Record]:
    """The values of user attributes, each with its definition."""
    return [
        {
            "id": f"{user['id']}-{number}",
            "userId": user["id"],
            "userAttributeId": number,
            "userAttribute": state.attributes[number],
            "value": value,
            "editable": True,
            "lastUpdate": user["lastModified"],
        }
        for number, value in user["values"].items()
    ]


def plain_shape(record: Record) -> Record:
    """A group or an organization. Empty fields are left out."""
    return {name: value for name, value in record.items() if value is not None}
