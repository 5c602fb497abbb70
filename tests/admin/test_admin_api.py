"""The admin API over real HTTP, on a bridge between two simulated products."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jsonschema
import pytest

from bridge.admin.login import COOKIE
from bridge.admin.routes import admin_app
from bridge.app.checks import ready
from bridge.app.listening import front_of
from bridge.app.status import look, state_of, status_of
from bridge.monitoring.redaction import Redactor
from bridge.simulators.serve import serving
from tests.admin.conftest import Client
from tests.admin.office import OLE, SECRETS, Office

pytestmark = pytest.mark.asyncio(loop_scope="module")
API = "/api/v1"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document, read once; see `described`."""
    return {}


async def described(client: Client, document: dict[str, Any]) -> dict[str, Any]:
    if not document:
        document.update(await client.get(f"{API}/openapi.json", token=""))
    return document


async def test_the_overview_shows_what_is_not_in_sync(here: Office, client: Client) -> None:
    found = await client.get(f"{API}/overview")
    assert found["in_sync"] is False
    assert found["sentence"] == (
        "Not everything is in sync: 2 records need a person, 1 conflict needs a choice, 1 record waits, "
        "1 mapping is paused."
    )
    store = here.bridge.store
    assert state_of(store, await look(store)) == found["sentence"]  # the head of `bridge status`
    by_name = {one["name"]: one for one in found["mappings"]}
    assert {name: one["pairs"] for name, one in by_name.items()} == {"deals": 2, "organizations": 3, "people": 2}
    assert (by_name["deals"]["mode"], by_name["deals"]["pause_reason"]) == ("paused", "stocktaking")
    assert by_name["deals"]["oldest_wait"] is not None
    assert len(by_name["people"]["changes"]) == 144
    assert sum(by_name["people"]["changes"]) >= 2
    systems = {one["name"]: one for one in found["systems"]}
    assert systems["pipedrive"]["answers"]
    assert (systems["pipedrive"]["hooks_wanted"], systems["pipedrive"]["hooks_registered"]) == (3, 3)
    assert systems["pipedrive"]["quota"].endswith("of 30,000 tokens left today")


async def test_changed_files_that_are_not_in_use_are_reported_first(
    here: Office, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(here.bridge, "refused", ["people.yaml:20:19: unknown field `emial`"])
    found = await client.get(f"{API}/overview")
    assert found["sentence"].startswith("Not everything is in sync: 1 problem keeps changed files out of use, ")
    assert found["troubles"][0] == {
        "text": "Changed mapping files are not in use: people.yaml:20:19: unknown field `emial`",
        "page": "/mappings",
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("nord", {"crm organization 1", "crm person 1", "crm person 2"}),
        ("ANA LUND", {"crm person 1"}),
        ("ana@nordlys.example", {"crm person 1"}),
        ("Østlandet", {"crm organization 3"}),
        ("østlandet", {"crm organization 3"}),
        ("100%", set()),
        ("a225", set()),
    ],
)
async def test_records_are_found_by_text_that_people_know(client: Client, text: str, names: set[str]) -> None:
    status, found = await client.ask("GET", f"{API}/records?q={text.replace('%', '%25')}")
    assert status == 200
    assert {hit["here"]["name"] for hit in found["found"]} == names


async def test_a_record_that_has_not_crossed_is_found_by_its_id(here: Office, client: Client) -> None:
    found = await client.get(f"{API}/records?q={here.ids['Fjord twin']}")
    assert "crm organization " + here.ids["Fjord twin"] in {hit["here"]["name"] for hit in found["found"]}


async def test_a_pair_shows_relatives_agreed_values_and_its_history(here: Office, client: Client) -> None:
    story = await client.get(f"{API}/records/crm/organization/1")
    (pair,) = story["pairs"]
    assert pair["there"]["name"] == "erp crm_contact 1"
    assert {"field": "name", "left": "Nordlys AS", "right": "Nordlys AS"}.items() <= pair["fields"][0].items()
    assert {child["name"] for child in pair["children"]} >= {"crm person 1", "crm person 2", "crm deal 1"}
    assert pair["story"][-1]["what"] == "created"
    assert pair["story"][-1]["version"] == pair["version"]
    deal = await client.get(f"{API}/records/crm/deal/1")
    assert [parent["name"] for parent in deal["pairs"][0]["parents"]] == ["crm organization 1"]


async def test_both_records_are_read_and_shown_beside_the_base(here: Office, client: Client) -> None:
    bakery = here.ids["bakery"]
    found = await client.get(f"{API}/records/crm/organization/{bakery}/compare/organizations")
    name = next(row for row in found["fields"] if row["field"] == "name")
    assert (name["left"], name["right"]) == ("Østlandet Bakeri og Konditori", "Østlandets Bakeri AS")
    assert name["left_base"] == name["right_base"] == "Østlandet Bakeri"
    assert (name["left_changed"], name["right_changed"], name["to_left"], name["to_right"]) == (
        True,
        True,
        False,
        False,
    )
    assert found["differing"] == 1
    here.pipedrive.person_edits("persons", here.ids["Bo Berg"], {"name": "Bo Bergh"})
    await here.bridge.store.mappings.set_paused("people", True, "")
    found = await client.get(f"{API}/records/crm/person/{here.ids['Bo Berg']}/compare/people")
    company = next(row for row in found["fields"] if row["field"] == "company")
    assert company["left"] == "organizations 1"
    assert not company["differs"]
    await here.bridge.store.mappings.set_paused("people", False, "")


async def test_waiting_records_and_dead_letters_are_grouped_by_reason(here: Office, client: Client) -> None:
    waiting = await client.get(f"{API}/waiting?mapping=deals")
    assert [one["name"] for one in waiting["records"]] == [f"crm deal {here.ids['waits']}"]
    assert waiting["groups"][0]["paused"]
    letters = await client.get(f"{API}/dead-letters")
    (group,) = letters["groups"]
    assert (group["code"], len(group["letters"])) == ("held_as_duplicate", 2)
    assert (await client.get(f"{API}/dead-letters?code=refused"))["groups"] == []


async def test_hooks_runs_mappings_and_settings_are_shown(client: Client) -> None:
    hooks = {one["system"]: one for one in (await client.get(f"{API}/hooks"))["systems"]}
    assert (hooks["pipedrive"]["wanted"], hooks["pipedrive"]["registered"]) == (3, 3)
    assert hooks["pipedrive"]["stopped"] == 0
    assert set(hooks["pipedrive"]["day"]) == {"reported", "missed", "repaired", "share"}
    assert any(hook["delivered_at"] for hook in hooks["deskera"]["hooks"]) or hooks["deskera"]["hooks"]
    runs = (await client.get(f"{API}/runs"))["runs"]
    assert {run["state"] for run in runs} <= {"done", "runs", "requested", "never"}
    assert {"full sweep", "sweep"} == {run["kind"] for run in runs}
    assert len((await client.get(f"{API}/mappings"))["mappings"]) == 3
    table = await client.get(f"{API}/mappings/people")
    assert [rule["field"] for rule in table["rules"]] == ["name", "email", "phone", "company"]
    checks = await client.get(f"{API}/mappings/people/checks")
    assert all(one["holds"] for one in checks["checks"])
    assert all(one["passed"] for one in checks["examples"])
    settings = {one["name"]: dict(one["values"]) for one in (await client.get(f"{API}/settings"))["sections"]}
    assert settings["general"]["instance_secret"] == "set"
    assert settings["admin"]["tokens[1].secret"] == "set"
    assert settings["systems.pipedrive"]["options.api_token"] == "set"


async def test_a_mapping_is_tried_with_a_live_record_and_with_a_pasted_one(client: Client) -> None:
    status, live = await client.ask("POST", f"{API}/mappings/people/try", {"record": "1"}, token=OLE)
    assert status == 200
    assert next(row for row in live["rows"] if row["field"] == "email")["after"] == {"email": "ana@nordlys.example"}
    record = json.dumps({"name": "Cy", "emails.primary": "cy@x.example"})
    status, pasted = await client.ask("POST", f"{API}/mappings/people/try", {"fields": record, "side": "crm"})
    assert next(row for row in pasted["rows"] if row["field"] == "name")["after"] == {"name": "Cy"}
    for body, said in (
        ({}, "name the id of a live one"),
        ({"fields": "{"}, "is not JSON from line 1"),
        ({"fields": "[]"}, "is not a JSON object"),
    ):
        found = await client.ask("POST", f"{API}/mappings/people/try", body)
        assert (found[0], found[1]["rows"], said in found[1]["fault"]) == (200, [], True), found
    for body, status, said in (
        ({"fields": 1}, 422, "fields"),
        ({"record": "1", "side": "left"}, 404, "it has crm and erp"),
        ({"record": "987654"}, 404, "there is no person 987654"),
    ):
        found = await client.ask("POST", f"{API}/mappings/people/try", body)
        assert (found[0], said in found[1]["error"]) == (status, True), found


async def test_an_action_is_done_by_the_bridge_and_stored_with_the_persons_name(here: Office, client: Client) -> None:
    status, told = await client.ask("POST", f"{API}/mappings/people/pause", {"reason": "new staff"})
    assert (status, told["state"]) == (200, "done")
    assert (await here.bridge.store.mappings.states())["people"].pause_reason == "new staff"
    status, told = await client.ask("POST", f"{API}/mappings/people/resume")
    assert told["text"] == "people: writing again"
    resynced = await client.ask("POST", f"{API}/records/crm/person/1/resync", {"note": "ticket 17"})
    assert resynced[1]["state"] == "done"
    failed = await client.ask("POST", f"{API}/mappings/orders/pause", {})
    assert (failed[1]["state"], "no mapping is called `orders`" in failed[1]["text"]) == ("failed", True)
    assert await client.get(f"{API}/requests/{resynced[1]['request']}") == resynced[1]
    acts = (await client.get(f"{API}/audit?limit=4"))["acts"]
    assert [(act["person"], act["action"], act["about"]) for act in acts] == [
        ("anna", "pause", "orders reason paused by anna"),
        ("anna", "resync", "crm person 1"),
        ("anna", "resume", "people"),
        ("anna", "pause", "people reason new staff"),
    ]
    assert acts[1]["note"] == "ticket 17"
    assert acts[0]["answer"].startswith("failed: no mapping is called")
    older = (await client.get(f"{API}/audit?limit=1"))["before"]
    assert (await client.get(f"{API}/audit?limit=1&before={older}"))["acts"] == [acts[1]]
    story = (await client.get(f"{API}/records/crm/person/1"))["pairs"][0]["story"]
    assert ("anna", "resync", ["note: ticket 17"]) in [(one["who"], one["what"], one["details"]) for one in story]


async def test_dead_letters_are_retried_by_reason_and_discarded_one_by_one_with_a_note(
    here: Office, client: Client
) -> None:
    status, told = await client.ask("POST", f"{API}/dead-letters/retry", {"code": "held_as_duplicate"})
    assert (status, told["text"]) == (200, "2 dead letters are tried again")

    async def held_again() -> bool:
        return len(await here.bridge.store.dead_letters.list()) == 2

    await here.until(held_again, "both are held again")
    one = ["crm", "organization", here.ids["Fjord twin"]]
    body = {"records": [one], "note": "merged by hand"}
    status, told = await client.ask("POST", f"{API}/dead-letters/discard", body)
    assert told["text"] == "1 dead letter is discarded"
    left = (await client.get(f"{API}/dead-letters"))["groups"][0]["letters"]
    assert [letter["record"] for letter in left] == [here.ids["Nordlys AS"]]
    story = (await client.get(f"{API}/records/{'/'.join(one)}"))["pairs"][0]["story"]
    assert "discarded: merged by hand" in [entry["text"] for entry in story]
    status, told = await client.ask("POST", f"{API}/dead-letters/retry", {"code": "refused"})
    assert (told["state"], "no dead letters with code refused" in told["text"]) == ("failed", True)


async def test_a_conflict_is_settled_by_a_choice(here: Office, client: Client) -> None:
    (conflict,) = (await client.get(f"{API}/conflicts"))["conflicts"]
    assert [side["value"] for side in conflict["sides"]] == ["Østlandet Bakeri og Konditori", "Østlandets Bakeri AS"]
    assert [side["was"] for side in conflict["sides"]] == ["Østlandet Bakeri", "Østlandet Bakeri"]
    assert all(side["changed_at"] for side in conflict["sides"])
    by = [side["changed_by"] for side in conflict["sides"]]
    assert by == [f"user {here.pipedrive.state.colleague_id}", f"user {here.deskera.state.owner_id}"]
    assert conflict["noticed_at"]
    body = {key: conflict[key] for key in ("side", "entity", "record", "field")} | {"winner": "erp"}
    status, told = await client.ask("POST", f"{API}/conflicts/choose", body)
    assert (status, told["state"]) == (200, "done"), told

    async def crossed() -> bool:
        rows = here.pipedrive.dump()["records"]["organizations"]
        return any(row["name"] == "Østlandets Bakeri AS" for row in rows)

    await here.until(crossed, "the chosen value crosses")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/records/crm/invoice/1", None, 404, "known: crm deal"),
        ("GET", "/records/crm/deal/1/compare/people", None, 404, "not in a mapping called `people`"),
        ("GET", "/mappings/peple", None, 404, "people"),
        ("GET", "/requests/987654", None, 404, "no request 987654"),
        ("GET", "/requests/x", None, 422, "request"),
        ("GET", "/waiting?limit=0", None, 422, "limit"),
        ("GET", "/waiting?colour=red", None, 422, "colour"),
        ("GET", "/waiting?mapping=a&mapping=b", None, 422, "given twice"),
        ("POST", "/dead-letters/retry", {"records": []}, 422, "records"),
        ("POST", "/mappings/people/approve", {"minutes": 0.5}, 422, "minutes"),
        ("POST", "/reconcile", {"full": 1}, 422, "full"),
        ("POST", "/dead-letters/retry", [1], 422, "must be a JSON object"),
        ("POST", "/mappings/people/pause", {"mapping": "deals"}, 422, "is already in the path"),
        ("POST", "/mappings/people/pause?reason=x", {}, 422, "no query"),
        ("POST", "/systems/crm9/check", {}, 404, "known: deskera, pipedrive"),
        ("POST", "/conflicts/choose", {"side": "crm"}, 422, "entity"),
    ],
)
async def test_an_impossible_action_is_answered_with_a_remedy(
    client: Client, method: str, path: str, body: Any, status: int, said: str
) -> None:
    found = await client.ask(method, API + path, body)
    assert (found[0], said in found[1]["error"]) == (status, True), found


async def test_every_operation_needs_a_token_and_acting_needs_the_role(
    client: Client, document: dict[str, Any]
) -> None:
    told = await described(client, document)
    for path, methods in told["paths"].items():
        here = path.replace("{side}", "crm").replace("{entity}", "deal").replace("{record}", "1")
        here = here.replace("{mapping}", "people").replace("{system}", "deskera").replace("{request}", "1")
        for method, operation in methods.items():
            assert (await client.ask(method, here, token=""))[0] == 401, path
            acts = "role `operate`" in operation["description"]
            status, body = await client.ask(method, here, {} if acts else None, token=OLE)
            assert (status == 403) is acts, (path, status, body)


async def test_answers_match_the_openapi_document(client: Client, document: dict[str, Any]) -> None:
    told = await described(client, document)
    jsonschema.Draft202012Validator.check_schema({"$defs": told["components"]["schemas"]})
    resynced = await client.ask("POST", f"{API}/records/crm/person/1/resync", {})
    asked = {
        "/overview": "/overview",
        "/records": "/records?q=nord",
        "/records/{side}/{entity}/{record}": "/records/crm/deal/1",
        "/records/{side}/{entity}/{record}/compare/{mapping}": "/records/crm/deal/1/compare/deals",
        "/waiting": "/waiting",
        "/dead-letters": "/dead-letters",
        "/conflicts": "/conflicts",
        "/hooks": "/hooks",
        "/columns": "/columns",
        "/runs": "/runs",
        "/mappings": "/mappings",
        "/mappings/{mapping}": "/mappings/deals",
        "/mappings/{mapping}/checks": "/mappings/deals/checks",
        "/mappings/{mapping}/verify": "/mappings/deals/verify",
        "/plan": "/plan",
        "/doctor": "/doctor",
        "/settings": "/settings",
        "/audit": "/audit",
        "/requests/{request}": f"/requests/{resynced[1]['request']}",
    }
    gets = {path.removeprefix(API) for path, methods in told["paths"].items() if "get" in methods}
    assert gets == asked.keys()
    for path, one in asked.items():
        content = told["paths"][API + path]["get"]["responses"]["200"]["content"]["application/json"]
        jsonschema.validate(await client.get(API + one), {**content["schema"], "components": told["components"]})


async def test_no_answer_and_no_page_shows_a_secret(client: Client, document: dict[str, Any]) -> None:
    told = await described(client, document)
    paths = [path for path, methods in told["paths"].items() if "get" in methods and "{" not in path]
    texts = [json.dumps(await client.get(path)) for path in paths]
    texts += [await client.get(path) for path in ("/", "/settings", "/hooks", "/audit")]
    assert not [name for name, value in SECRETS.items() if any(value in text for text in texts)]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
)
async def test_a_page_of_another_site_reaches_no_action(client: Client, headers: dict[str, str], status: int) -> None:
    for path in (f"{API}/mappings/people/pause", "/act/pause", "/login", "/logout"):
        assert (await client.ask("POST", path, {}, **headers))[0] == status, path


async def test_pages_load_nothing_from_elsewhere_and_are_not_cached(client: Client) -> None:
    for path in ("/", "/login", "/records/crm/deal/1", "/mappings/none"):
        asked = client.session.get(client.url + path, headers={"Authorization": f"Bearer {OLE}"})
        async with asked as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["Cache-Control"] == "no-store"
            text = await answer.text()
            assert "style=" not in text
            assert "<script>" not in text
            assert "http" not in text.replace("http://127.0.0.1", "").replace("http-equiv", "")


@pytest.mark.parametrize("ahead", ["//evil.example", "https://evil.example", "/\\evil.example", "evil"])
async def test_a_login_leads_to_no_other_site(client: Client, ahead: str) -> None:
    form = {"token": OLE, "next": ahead}
    asked = client.session.post(f"{client.url}/login", data=form, allow_redirects=False)
    async with asked as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
    client.session.cookie_jar.clear()


async def test_logging_out_ends_a_session_for_good_also_at_another_instance(
    here: Office, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.admin.api.LOOK_SECONDS", 0.1)

    async def asks(url: str, cookie: str) -> int:
        async with client.session.get(f"{url}/audit", headers={"Cookie": cookie}, allow_redirects=False) as answer:
            return answer.status

    async with another_front(here) as other:
        async with client.session.post(f"{here.url}/login", data={"token": OLE}, allow_redirects=False) as answer:
            cookie = f"{COOKIE}={answer.cookies[COOKIE].value}"
        client.session.cookie_jar.clear()
        assert (await asks(here.url, cookie), await asks(other, cookie)) == (200, 200)
        gone = client.session.post(f"{here.url}/logout", headers={"Cookie": cookie, "Origin": here.url})
        async with gone as answer:
            assert answer.status == 200
        assert await asks(here.url, cookie) == 303

        async def ended_there() -> bool:
            return await asks(other, cookie) == 303

        await here.until(ended_there, "the session ends at the other instance")
    async with another_front(here) as restarted:
        assert await asks(restarted, cookie) == 303


@asynccontextmanager
async def another_front(here: Office) -> AsyncIterator[str]:
    """Serve the pages again on the same store: another instance, or the same one after a restart."""
    bridge = here.bridge
    front = front_of(bridge, Redactor())
    app = admin_app(bridge.board, bridge.metrics, lambda: ready(bridge), lambda: status_of(bridge.store), front=front)
    async with serving(app) as url:
        yield url


async def test_with_tokens_only_liveness_and_readiness_are_public(client: Client) -> None:
    for path in ("/health/live", "/health/ready"):
        assert (await client.ask("GET", path, token=""))[0] == 200
    for path in ("/health", "/metrics", "/status"):
        assert (await client.ask("GET", path, token=""))[0] == 401
        assert (await client.ask("GET", path, token=OLE))[0] == 200


async def test_a_stream_of_events_needs_a_token(client: Client) -> None:
    assert (await client.ask("GET", "/events", token=""))[0] == 401
