"""Writes users, groups and organizations: checks, defaults, the audit log and events."""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.simulators.entrust.answers import Refused
from bridge.simulators.entrust.events import Actor, Event, user_event
from bridge.simulators.entrust.state import GONE, State
from bridge.simulators.faults import Faults
from bridge.simulators.records import Record

TEXTS = (
    "userId", "firstName", "lastName", "email", "mobile", "phone", "userPrincipalName", "externalId",
    "externalSource", "locale", "securityId",
)  # fmt: skip
LOCALES = (
    "da", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "nb", "pl", "pt", "ru", "sv", "th", "tr", "zh-cn", "zh-tw",
)  # fmt: skip
STATES = ("ACTIVE", "INACTIVE")
DELIVERIES = ("EMAIL", "SMS", "VOICE", "SYSTEM")
FLAGS = ("registrationRequired", "verificationRequired")
LISTS = ("groups", "organizations")
PARAMETERS = frozenset(
    {
        *TEXTS, *FLAGS, *LISTS, "state", "oauthRoles", "userAliases", "userAttributeValues", "userExtraAttributes",
        "preferredOtpDelivery", "preferredOtpDeliveryContactAttributes", "lock", "emailVerification",
        "applyGracePeriod",
    }
)  # fmt: skip
GROUP_FIELDS = ("name", "externalId", "attribute")
ORGANIZATION_FIELDS = ("name", "displayName", "description", "logoUri")
_ACTIONS = {"ADD": "user.created", "EDIT": "user.updated", "REMOVE": "user.deleted"}


class Changes:
    """The only writer of records. Raises Refused."""

    def __init__(self, state: State, faults: Faults, publish: Callable[[Event], None]) -> None:
        self._state = state
        self._faults = faults
        self._publish = publish

    def create_user(self, body: Mapping[str, Any], actor: Actor) -> Record:
        body = self._trimmed("users", body)
        missing = [name for name in ("userId", *self._state.options.mandatory) if not body.get(name)]
        if missing:
            raise Refused(400, f"{', '.join(missing)} required")
        now = self._state.now_text()
        fresh: Record = {
            "id": self._state.world.new_id(),
            "type": "MGMT_UI",
            "state": "ACTIVE",
            "groups": [],
            "organizations": [],
            "aliases": [],
            "values": {},
            "registrationRequired": True,
            "verificationRequired": True,
            "preferredOtpDelivery": "SYSTEM",
            "locked": False,
            "userCreationTime": now,
            "lastModified": now,
            **dict.fromkeys(TEXTS),
        }
        made = self._with(fresh, body)
        if body.get("emailVerification", True) or made["registrationRequired"] or made["verificationRequired"]:
            self._state.mails.append(made["userId"])
        self._state.tables["users"].put(made["id"], made)
        self._told("ADD", made, actor)
        return made

    def edit_user(self, user_id: str, body: Mapping[str, Any], actor: Actor) -> Record:
        user = self.user(user_id)
        if user["type"] != "MGMT_UI":
            raise Refused(400, "the user is managed in a directory")
        changed = self._with(user, self._trimmed("users", body))
        changed["lastModified"] = self._state.now_text()
        self._state.tables["users"].put(user_id, changed)
        self._told("EDIT", changed, actor, user)
        return changed

    def delete_user(self, user_id: str, actor: Actor) -> None:
        user = self.user(user_id)
        self._state.tables["users"].put(user_id, {**user, GONE: True})
        self._told("REMOVE", user, actor)

    def user(self, user_id: str) -> Record:
        """The user by UUID. Raises Refused (404)."""
        return self._found("users", user_id, "user")

    def create(self, entity: str, body: Mapping[str, Any], actor: Actor) -> Record:
        """Create a group or an organization."""
        given = self._checked(entity, self._trimmed(entity, body), None)
        now = self._state.now_text()
        made: Record = {"id": self._state.world.new_id(), **given}
        if entity == "groups":
            made |= {"type": "MGMT_UI", "created": now, "lastModified": now}
        self._state.tables[entity].put(made["id"], made)
        self._audited(entity.upper(), "ADD", made["id"], made["name"], actor)
        return made

    def edit(self, entity: str, record_id: str, body: Mapping[str, Any], actor: Actor) -> Record:
        old = self._found(entity, record_id, entity[:-1])
        given = self._checked(entity, {**old, **self._trimmed(entity, body)}, record_id)
        changed = {**old, **given} | ({"lastModified": self._state.now_text()} if entity == "groups" else {})
        self._state.tables[entity].put(record_id, changed)
        self._audited(entity.upper(), "EDIT", record_id, changed["name"], actor)
        return changed

    def delete(self, entity: str, record_id: str, actor: Actor) -> None:
        old = self._found(entity, record_id, entity[:-1])
        for user in self._state.rows("users"):
            if record_id in user[entity]:
                left = [one for one in user[entity] if one != record_id]
                self._state.tables["users"].put(user["id"], {**user, entity: left})
        self._state.tables[entity].put(record_id, {**old, GONE: True})
        self._audited(entity.upper(), "REMOVE", record_id, old["name"], actor)

    def _with(self, user: Record, body: Mapping[str, Any]) -> Record:
        """The user with the values of the body. Null changes nothing; empty text clears a value."""
        if wrong := sorted(set(body) - PARAMETERS):
            raise Refused(400, f"unknown fields {', '.join(wrong)}")
        said = {name: value for name, value in body.items() if value is not None}
        changed = {**user, **{name: said[name] or None for name in TEXTS if name in said}}
        self._check_texts(user, changed, said)
        changed |= {name: said[name] is True for name in FLAGS if name in said}
        for name, words in (("state", STATES), ("preferredOtpDelivery", DELIVERIES)):
            if name in said:
                if said[name] not in words:
                    raise Refused(400, f"{name} must be one of {', '.join(words)}")
                changed[name] = said[name]
        for name in LISTS:
            if name in said:
                changed[name] = self._known_ids(name, said[name])
        if "userAliases" in said:
            changed["aliases"] = self._aliases(user, said["userAliases"])
        if "userAttributeValues" in said:
            changed["values"] = self._values(user, said["userAttributeValues"])
        return changed

    def _check_texts(self, user: Record, changed: Record, said: Mapping[str, Any]) -> None:
        bad = [name for name in TEXTS if name in said and not isinstance(said[name], str)]
        if bad:
            raise Refused(400, f"{', '.join(bad)} must be text")
        if not changed["userId"]:
            raise Refused(400, "userId required")
        if changed["locale"] and changed["locale"] not in LOCALES:
            raise Refused(400, f"locale {changed['locale']} is not supported")
        if changed["email"] and "@" not in changed["email"]:
            raise Refused(400, "email is not valid")
        same = self._state.by_user_id(changed["userId"])
        if same is not None and same["id"] != user["id"]:
            raise Refused(409, f"a user with the user id or alias {changed['userId']} exists already")

    def _aliases(self, user: Record, given: Any) -> list[str]:
        """The aliases. An alias must differ from the aliases and user ids of other users."""
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise Refused(400, "userAliases must be a list of objects")
        aliases = [str(item.get("value", "")) for item in given]
        for alias in aliases:
            same = self._state.by_user_id(alias)
            if same is not None and same["id"] != user["id"]:
                raise Refused(409, f"a user with the user id or alias {alias} exists already")
        return aliases

    def _known_ids(self, entity: str, ids: Any) -> list[str]:
        if not isinstance(ids, list) or any(self._state.get(entity, one) is None for one in ids):
            raise Refused(400, f"{entity} must list ids of existing {entity}")
        return [str(one) for one in ids]

    def _values(self, user: Record, given: Any) -> dict[str, str]:
        """Values by attribute. Values that are not given stay; an empty value is removed."""
        values = dict(user["values"])
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            raise Refused(400, "userAttributeValues must be a list of objects")
        for item in given:
            number, value = item.get("userAttributeId"), item.get("value")
            if number not in self._state.attributes:
                raise Refused(400, "userAttributeId names no user attribute")
            values[number] = str(value or "")
            if not value:
                del values[number]
        return values

    def _checked(self, entity: str, body: Mapping[str, Any], record_id: str | None) -> Record:
        fields = GROUP_FIELDS if entity == "groups" else ORGANIZATION_FIELDS
        needed = ("name",) if entity == "groups" else ("name", "displayName")
        given = {name: str(body[name]) for name in fields if body.get(name) is not None}
        missing = [name for name in needed if not given.get(name)]
        if missing:
            raise Refused(400, f"{', '.join(missing)} required")
        for row in self._state.rows(entity):
            if row["name"].casefold() == given["name"].casefold() and row["id"] != record_id:
                raise Refused(409, f"the name {given['name']} is taken")
        return {name: value or None for name, value in given.items()}

    def _trimmed(self, entity: str, body: Mapping[str, Any]) -> dict[str, Any]:
        trim = self._faults.trim.get(entity) or self._faults.trim.get("*")
        if trim is None:
            return dict(body)
        cleaned = {}
        for name, value in body.items():
            text = value.strip() if trim.strip and isinstance(value, str) else value
            cleaned[name] = text[: trim.lengths[name]] if name in trim.lengths and isinstance(text, str) else text
        return cleaned

    def _found(self, entity: str, record_id: str, noun: str) -> Record:
        record = self._state.get(entity, record_id)
        if record is None:
            raise Refused(404, f"The {noun} was not found.")
        return record

    def _told(self, action: str, user: Record, actor: Actor, before: Record | None = None) -> None:
        self._audited("USERS", action, user["id"], user["userId"], actor, user, before)
        if actor.kind != "ADMIN_API" or self._state.options.api_events:
            self._publish(user_event(self._state, _ACTIONS[action], user, actor))

    def _audited(
        self,
        entity_type: str,
        action: str,
        record_id: str,
        name: str,
        actor: Actor,
        user: Record | None = None,
        before: Record | None = None,
    ) -> None:
        now = self._state.now_text()
        details: Record = {"entityAttributes": [], "modifiedEntityAttributes": [], "messageTokens": []}
        if user is not None and before is None:
            details["entityAttributes"] = [{"name": n, "value": user[n]} for n in TEXTS if user.get(n)]
        elif user is not None and before is not None:
            changed = [n for n in TEXTS if user.get(n) != before.get(n)]
            details["modifiedEntityAttributes"] = [
                {"name": n, "oldValue": before.get(n) or "", "newValue": user.get(n) or ""} for n in changed
            ]
        self._state.audit.append(
            {
                "_order": f"{now} {self._state.next_audit():012}",
                "id": self._state.world.new_id(),
                "accountId": self._state.account_id,
                "eventTime": now,
                "eventCategory": "MANAGEMENT",
                "eventOutcome": "SUCCESS",
                "eventType": f"{entity_type.lower()}.{action.lower()}",
                "entityType": entity_type,
                "entityAction": action,
                "entityId": record_id,
                "entityName": name,
                "subject": actor.id,
                "subjectName": actor.name,
                "subjectType": actor.kind,
                "resourceName": actor.resource,
                "auditDetails": details,
            }
        )
