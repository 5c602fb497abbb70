"""Followers of records, participants of deals, permitted users, and the users themselves, in REST v1.

REST v1 identifies a follower by the id of the following, REST v2 by the user.
"""

import functools
from typing import Any

from aiohttp import web

from bridge.simulators.pipedrive.answers import Refused, envelope, invalid, json_object, not_found, ok
from bridge.simulators.pipedrive.entities import ENTITIES, Entity
from bridge.simulators.pipedrive.events import time_v1
from bridge.simulators.pipedrive.history import History
from bridge.simulators.pipedrive.paging import counted_answer, listed_answer
from bridge.simulators.pipedrive.shapes_v1 import person_v1
from bridge.simulators.pipedrive.state import Route, State
from bridge.simulators.records import Record

FOLLOWED = tuple(ENTITIES[plural] for plural in ("deals", "persons", "organizations", "products"))
DEALS, PERSONS = ENTITIES["deals"], ENTITIES["persons"]
_RIGHTS = (
    "can_add_custom_fields",
    "can_add_products",
    "can_bulk_edit_items",
    "can_change_visibility_of_items",
    "can_delete_deals",
    "can_edit_custom_fields",
    "can_export_data_from_lists",
    "can_merge_deals",
    "can_merge_organizations",
    "can_merge_people",
    "can_see_other_users",
    "can_share_filters",
    "can_use_api",
    "can_use_import",
)


class People:
    """Followers, participants, permitted users and users."""

    def __init__(self, state: State, history: History) -> None:
        self._state, self._history = state, history

    def routes(self, prefixes: tuple[str, ...]) -> list[Route]:
        """The routes with the costs of their calls. `prefixes`: of REST v1."""
        found: list[Route] = []
        for entity in FOLLOWED:
            of = functools.partial(functools.partial, entity=entity)
            path = f"/api/v2/{entity.plural}/{{id:\\d+}}/followers"
            found += [
                ("GET", path, of(self._followers), 10),
                ("POST", path, of(self._follow), 5),
                ("GET", path + "/changelog", of(self._followers_changes), 10),
                ("DELETE", path + "/{user:\\d+}", of(self._unfollow), 3),
            ]
            for prefix in prefixes:
                old = f"{prefix}/{entity.plural}/{{id:\\d+}}"
                found += [
                    ("GET", old + "/followers", of(self._followers_v1), 20),
                    ("POST", old + "/followers", of(self._follow_v1), 10),
                    ("DELETE", old + "/followers/{own:\\d+}", of(self._unfollow_v1), 6),
                    ("GET", old + "/permittedUsers", of(self._permitted), 10),
                ]
        for prefix in prefixes:
            permitted = functools.partial(self._permitted, entity=ENTITIES["leads"])
            found += [*self._participant_routes(prefix), *self._user_routes(prefix)]
            found.append(("GET", f"{prefix}/leads/{{id}}/permittedUsers", permitted, 10))
        return [*found, ("GET", "/api/v2/users/{id:\\d+}/followers", self._followers_of_user, 10)]

    def _participant_routes(self, prefix: str) -> list[Route]:
        path = f"{prefix}/deals/{{id:\\d+}}/participants"
        return [
            ("GET", path, self._participants, 10),
            ("POST", path, self._take_part, 10),
            ("DELETE", path + "/{own:\\d+}", self._leave, 6),
            ("GET", path + "Changelog", self._participants_changes, 10),
        ]

    def _user_routes(self, prefix: str) -> list[Route]:
        one = f"{prefix}/users/{{id:\\d+}}"
        return [
            ("GET", f"{prefix}/users/me", self._me, 2),
            ("GET", f"{prefix}/users/find", self._find, 40),
            ("GET", f"{prefix}/users", self._users, 20),
            ("POST", f"{prefix}/users", self._invite, 10),
            ("GET", one, self._one_user, 2),
            ("PUT", one, self._change_user, 10),
            ("GET", one + "/followers", self._followers_of_user_v1, 20),
            ("GET", one + "/permissions", self._permissions, 10),
            ("GET", one + "/roleAssignments", self._roles, 10),
            ("GET", one + "/roleSettings", self._role_settings, 10),
            ("GET", f"{prefix}/userSettings", self._settings, 10),
        ]

    def _of(self, request: web.Request, entity: Entity) -> tuple[str, Record]:
        record = self._state.tables[entity.plural].get(request.match_info["id"])
        if record is None or record["is_deleted"]:
            raise not_found()
        return f"{entity.plural} {request.match_info['id']}", record

    def _rows(self, kind: str, owner: str) -> list[Record]:
        return self._state.belongings.get(f"{kind} {owner}", [])

    def _put(self, kind: str, owner: str, rows: list[Record]) -> None:
        self._state.belongings[f"{kind} {owner}"] = rows

    async def _added(self, request: web.Request, entity: Entity) -> tuple[str, Record]:
        owner, _record = self._of(request, entity)
        user = (await json_object(request)).get("user_id")
        if user not in [one["id"] for one in self._state.users()]:
            raise invalid([("user_id", "is no user")])
        rows = self._rows("followers", owner)
        known = next((row for row in rows if row["user_id"] == user), None)
        if known is None:
            known = {"id": self._state.next_id("following"), "user_id": user, "add_time": self._state.now_text()}
            self._put("followers", owner, [*rows, known])
            self._history.note(f"followers {owner}", "added", user)
        return owner, known

    def _removed(self, request: web.Request, entity: Entity, key: str, value: int) -> Record:
        owner, _record = self._of(request, entity)
        rows = self._rows("followers", owner)
        gone = next((row for row in rows if row[key] == value), None)
        if gone is None:
            raise not_found()
        self._put("followers", owner, [row for row in rows if row is not gone])
        self._history.note(f"followers {owner}", "removed", gone["user_id"])
        return gone

    async def _followers(self, request: web.Request, entity: Entity) -> web.Response:
        owner, _record = self._of(request, entity)
        rows = self._rows("followers", owner)
        return listed_answer(request, [{"user_id": row["user_id"], "add_time": row["add_time"]} for row in rows])

    async def _follow(self, request: web.Request, entity: Entity) -> web.Response:
        _owner, made = await self._added(request, entity)
        return ok({"user_id": made["user_id"], "add_time": made["add_time"]}, 201)

    async def _unfollow(self, request: web.Request, entity: Entity) -> web.Response:
        return ok({"user_id": self._removed(request, entity, "user_id", int(request.match_info["user"]))["user_id"]})

    async def _followers_changes(self, request: web.Request, entity: Entity) -> web.Response:
        owner, _record = self._of(request, entity)
        noted = self._history.noted(f"followers {owner}")
        rows = [{"follower_user_id" if key == "whom" else key: one[key] for key in one} for one in noted]
        return listed_answer(request, rows)

    async def _followers_v1(self, request: web.Request, entity: Entity) -> web.Response:
        owner, record = self._of(request, entity)
        rows = [_following(entity, record, row) for row in self._rows("followers", owner)]
        return counted_answer(request, rows)

    async def _follow_v1(self, request: web.Request, entity: Entity) -> web.Response:
        _owner, made = await self._added(request, entity)
        _key, record = self._of(request, entity)
        return ok(_following(entity, record, made), 201 if entity.name == "product" else 200)

    async def _unfollow_v1(self, request: web.Request, entity: Entity) -> web.Response:
        return ok({"id": self._removed(request, entity, "id", int(request.match_info["own"]))["id"]})

    async def _permitted(self, request: web.Request, entity: Entity) -> web.Response:
        self._of(request, entity)
        return ok([user["id"] for user in self._state.users()])

    async def _participants(self, request: web.Request) -> web.Response:
        owner, deal = self._of(request, DEALS)
        return counted_answer(request, [self._participant(deal, row) for row in self._rows("participants", owner)])

    async def _take_part(self, request: web.Request) -> web.Response:
        owner, deal = self._of(request, DEALS)
        person = (await json_object(request)).get("person_id")
        known = self._state.tables["persons"].get(str(person))
        if known is None or known["is_deleted"]:
            raise Refused(400, envelope("person_id is no person"))
        made = {"id": self._state.next_id("participant"), "person_id": person, "add_time": self._state.now_text()}
        self._put("participants", owner, [*self._rows("participants", owner), made])
        self._history.note(f"participants {owner}", "added", person)
        return ok(self._participant(deal, made))

    async def _leave(self, request: web.Request) -> web.Response:
        owner, _deal = self._of(request, DEALS)
        rows, wanted = self._rows("participants", owner), int(request.match_info["own"])
        gone = next((row for row in rows if row["id"] == wanted), None)
        if gone is None:
            raise not_found()
        self._put("participants", owner, [row for row in rows if row is not gone])
        self._history.note(f"participants {owner}", "removed", gone["person_id"])
        return ok({"id": wanted})

    async def _participants_changes(self, request: web.Request) -> web.Response:
        owner, _deal = self._of(request, DEALS)
        noted = self._history.noted(f"participants {owner}")
        rows = [{"person_id" if key == "whom" else key: one[key] for key in one} for one in noted]
        return listed_answer(request, [{**row, "time": time_v1(row["time"])} for row in rows])

    def _participant(self, deal: Record, row: Record) -> Record:
        person = self._state.tables["persons"].get(str(row["person_id"]))
        shown = person_v1(self._state, person) if person is not None else {}
        short = {key: shown.get(key) for key in ("active_flag", "name", "email", "phone", "owner_id")}
        user = next(user for user in self._state.users() if user["id"] == self._state.user_id)
        return {
            "id": row["id"],
            "person_id": {**short, "company_id": self._state.company_id, "value": row["person_id"]},
            "add_time": time_v1(row["add_time"]),
            "active_flag": True,
            "related_item_data": {"deal_id": deal["id"], "title": deal["title"]},
            "person": {
                **shown,
                "owner_id": {"value": shown.get("owner_id"), "id": shown.get("owner_id")},
                "org_id": None,
            },
            "added_by_user_id": {"id": user["id"], "name": user["name"], "email": user["email"]},
            "related_item_type": "deal",
            "related_item_id": deal["id"],
        }

    def _user(self, request: web.Request) -> Record:
        for user in self._state.users():
            if str(user["id"]) == request.match_info["id"]:
                return user
        raise Refused(404, {"success": False, "error": "User not found or not accessible."})

    async def _me(self, _request: web.Request) -> web.Response:
        return ok(self._state.users()[0])

    async def _users(self, _request: web.Request) -> web.Response:
        return ok(self._state.users())

    async def _one_user(self, request: web.Request) -> web.Response:
        return ok(self._user(request))

    async def _find(self, request: web.Request) -> web.Response:
        term, by_email = request.query.get("term", "").casefold(), request.query.get("search_by_email") == "1"
        if not term:
            raise Refused(400, envelope("term must be given"))
        key = "email" if by_email else "name"
        return ok([user for user in self._state.users() if term in user[key].casefold()])

    async def _invite(self, request: web.Request) -> web.Response:
        email = (await json_object(request)).get("email")
        if not isinstance(email, str) or "@" not in email:
            raise Refused(400, envelope("email must be given"))
        return ok(self._state.invite(email))

    async def _change_user(self, request: web.Request) -> web.Response:
        user, active = self._user(request), (await json_object(request)).get("active_flag")
        if not isinstance(active, bool):
            raise Refused(400, envelope("active_flag must be given"))
        self._state.inactive -= {user["id"]}
        self._state.inactive |= set() if active else {user["id"]}
        return ok(self._user(request))

    async def _followers_of_user(self, request: web.Request) -> web.Response:
        """The followers of a user. There are none here."""
        self._user(request)
        return listed_answer(request, [])

    async def _followers_of_user_v1(self, request: web.Request) -> web.Response:
        self._user(request)
        return ok([])

    async def _permissions(self, request: web.Request) -> web.Response:
        self._user(request)
        return ok(dict.fromkeys(_RIGHTS, True))

    async def _roles(self, request: web.Request) -> web.Response:
        role = {"role_id": 1, "parent_role_id": None, "name": "Default", "active_flag": True, "type": "1"}
        return counted_answer(request, [{"user_id": self._user(request)["id"], **role}])

    async def _role_settings(self, request: web.Request) -> web.Response:
        self._user(request)
        kinds = ("deal", "lead", "org", "person", "product")
        return ok({f"{kind}_default_visibility": 3 for kind in kinds})

    async def _settings(self, _request: web.Request) -> web.Response:
        settings: dict[str, Any] = {
            "marketplace_team": False,
            "list_limit": 100,
            "beta_app": False,
            "prevent_salesphone_callto_override": False,
            "file_upload_destination": "s3",
            "callto_link_syntax": "callto:[number]",
            "autofill_deal_expected_close_date": False,
            "person_duplicate_condition": "name && (org_id || email || phone)",
        }
        return ok(settings)


def _following(entity: Entity, record: Record, row: Record) -> Record:
    key = "org_id" if entity.name == "organization" else f"{entity.name}_id"
    return {**row, "add_time": time_v1(row["add_time"]), key: record["id"]}
