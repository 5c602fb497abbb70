"""Undo, link, unlink, restore, rotate and mode by the API; and plan, verify and doctor, in the background."""

import re
from typing import Any

import pytest

from bridge.app.looks import Look
from bridge.app.wording import moment_of
from bridge.domain.record import Side
from bridge.store.requests import RESTORED, Answer, Request
from bridge.verify.report import Report
from tests.admin.conftest import Client
from tests.admin.office import ANNA, OLE, Office

pytestmark = pytest.mark.asyncio(loop_scope="module")
API = "/api/v1"


async def acted(client: Client, path: str, body: dict[str, Any], state: str = "done") -> str:
    status, told = await client.ask("POST", API + path, body)
    assert (status, told["state"]) == (200, state), told
    return str(told["text"])


async def test_an_undo_is_shown_first_and_done_with_go(here: Office, client: Client) -> None:
    here.pipedrive.person_edits("persons", here.ids["Bo Berg"], {"name": "Bo Bjerg"})

    async def crossed() -> bool:
        return any(row["name"] == "Bo Bjerg" for row in here.deskera.dump()["records"]["contacts"])

    await here.until(crossed, "the edit crosses")
    pair = (await client.get(f"{API}/records/crm/person/{here.ids['Bo Berg']}"))["pairs"][0]
    (written,) = pair["undoable"]
    updated = next(entry for entry in pair["story"] if entry["what"] == "updated")
    assert updated["wrote"]["name"] == written["name"] == pair["there"]["name"]
    assert updated["requests"] == ["PUT /v1/crm/contacts/{id}: 201"]
    assert updated["version"] == pair["version"]
    assert "crm" in updated["details"][0]
    path = f"/records/{written['side']}/{written['entity']}/{written['record']}/undo"
    assert "would be restored" in await acted(client, path, {})
    assert any(row["name"] == "Bo Bjerg" for row in here.deskera.dump()["records"]["contacts"])
    done = await acted(client, path, {"go": True, "note": "ticket 18"})
    assert "bridge undo --run undo/" in done
    assert not any(row["name"] == "Bo Bjerg" for row in here.deskera.dump()["records"]["contacts"])
    acts = (await client.get(f"{API}/audit?limit=2"))["acts"]
    assert [(act["person"], act["action"], act["note"]) for act in acts] == [
        ("anna", "undo", "ticket 18"),
        ("anna", "undo", ""),
    ]
    assert "only shown" in acts[1]["about"]
    run = done.partition("--run ")[2].partition("`")[0]
    assert "Nothing was done yet: confirm it to do this." in await acted(client, "/runs/undo", {"run": run})
    assert "has no write of undo/987654" in await acted(client, "/runs/undo", {"run": "undo/987654"}, "failed")
    assert "Nothing was done yet" in await acted(client, "/mappings/people/undo", {"since": "1h"})
    for text in ("yesterday", "99999999999d", "0001-01-01"):
        assert "`30m`, `2h`, `3d`" in await acted(client, "/mappings/people/undo", {"since": text}, "failed")


async def test_a_pair_is_unlinked_and_linked_again(here: Office, client: Client) -> None:
    ana = f"/records/crm/person/{here.ids['Ana Lund']}"
    contact = (await client.get(f"{API}{ana}"))["pairs"][0]["there"]["record"]
    assert "Nothing was done yet" in await acted(client, f"{ana}/unlink", {})
    await acted(client, f"{ana}/unlink", {"go": True})
    assert (await client.get(f"{API}{ana}"))["pairs"][0]["there"] is None
    assert "are linked" in await acted(client, f"{ana}/link", {"other": contact, "prefer": "crm"})
    await acted(client, f"{ana}/link", {"other": contact, "prefer": "crm", "go": True})
    assert (await client.get(f"{API}{ana}"))["pairs"][0]["there"]["record"] == contact
    assert "is linked in mapping people" in await acted(client, f"{ana}/restore", {}, "failed")
    status, told = await client.ask("POST", f"{API}{ana}/link", {"go": True})
    assert (status, "other" in told["error"]) == (422, True)


async def test_hooks_of_a_system_are_rotated(here: Office, client: Client) -> None:
    assert "3 hooks have new addresses" in await acted(client, "/systems/pipedrive/rotate-hooks", {"overlap": 1.0})
    status, told = await client.ask("POST", f"{API}/systems/crm9/rotate-hooks", {})
    assert (status, "known: deskera, pipedrive" in told["error"]) == (404, True)


async def test_a_hook_is_stopped_on_purpose_and_started(here: Office, client: Client) -> None:
    key = sorted(here.bridge.keeper.keys("pipedrive"))[0]
    told = await acted(client, "/systems/pipedrive/stop-hook", {"hook": key, "reason": "an import"})
    assert f"pipedrive {key} is stopped until" in told
    shown = next(one for one in (await client.get(f"{API}/hooks"))["systems"] if one["system"] == "pipedrive")
    (stopped,) = [one for one in shown["hooks"] if one["on_purpose"]]
    assert (stopped["key"], "an import" in stopped["note"]) == (key, True)
    assert f'aria-label="Start {key} of pipedrive"' in await client.get("/hooks")
    assert "is registered" in await acted(client, "/systems/pipedrive/start-hook", {"hook": key})
    assert f'aria-label="Stop {key} of pipedrive"' in await client.get("/hooks")
    assert "known: " in await acted(client, "/systems/pipedrive/stop-hook", {"hook": "no.such"}, "failed")


async def test_changed_columns_of_an_account_are_a_warning_until_accepted(here: Office, client: Client) -> None:
    change = {"column": "phones", "text": "is `text` now, it was `phone`", "level": "fail", "mappings": ["people"]}
    await here.bridge.store.account_columns.save("pipedrive", "person", {}, [{**change, "since": 1.0}])
    line = "1 change at accounts to columns or names that mappings use"
    overview = await client.get(f"{API}/overview")
    assert (overview["in_sync"], line in [one["text"] for one in overview["troubles"]]) == (False, True)
    assert "1 change at an account concerns a mapping" in overview["sentence"]
    (shown,) = (await client.get(f"{API}/columns"))["columns"]
    assert (shown["column"], shown["level"], shown["mappings"]) == ("phones", "fail", "people")
    assert 'aria-label="Accept phones of pipedrive"' in await client.get("/columns")
    assert "`phones` is `text` now" in await acted(client, "/systems/pipedrive/accept-columns", {"column": "phones"})
    assert (await client.get(f"{API}/columns"))["columns"] == []
    assert line not in [one["text"] for one in (await client.get(f"{API}/overview"))["troubles"]]
    last = (await client.get(f"{API}/audit?limit=1"))["acts"][0]
    assert (last["person"], last["action"], last["about"]) == ("anna", "columns accept", "pipedrive phones")


async def test_a_new_name_is_shown_and_accepted(here: Office, client: Client) -> None:
    names = here.bridge.store.names
    await names.pin("pipedrive", "stages", {"901": "Won"})
    await names.pin("pipedrive", "stages", {"901": "Closed"})
    (shown,) = (await client.get(f"{API}/columns"))["names"]
    assert (shown["name"], shown["today"]) == ("Won", "Closed")
    assert "Closed" in await client.get("/columns")
    assert "'Won' is 'Closed' now" in await acted(client, "/systems/pipedrive/accept-names", {})
    assert (await client.get(f"{API}/columns"))["names"] == []


async def test_a_mode_is_set_in_the_file_and_in_the_running_bridge(here: Office, client: Client) -> None:
    file = here.bridge.settings.places.path
    assert "writes nothing" in await acted(client, "/mappings/people/mode", {"mode": "shadow"})
    assert "people: {mode: shadow}" in file.read_text()
    assert (await client.get(f"{API}/mappings/people"))["mode"] == "shadow"
    await acted(client, "/mappings/people/mode", {"mode": "live"})
    assert (await client.get(f"{API}/mappings/people"))["mode"] == "live"
    assert "people: {mode: live}" in file.read_text()
    assert (await client.ask("POST", f"{API}/mappings/people/mode", {"mode": "paused"}))[0] == 422


async def test_a_request_for_a_mode_that_does_not_take_effect_is_not_marked_done(here: Office, client: Client) -> None:
    requests = here.bridge.store.requests
    number = await requests.add("mode", {"mapping": "people", "mode": "shadow"})  # of another instance and its file

    async def answered() -> bool:
        return await requests.answer(number) is not None

    await here.until(answered, "the answer")
    answer = await requests.answer(number)
    assert answer is not None
    assert (answer.failed, "people is live and not shadow" in answer.text) == (True, True)


async def test_a_mode_is_set_by_the_instance_that_got_the_request(
    here: Office, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none() -> list[Request]:
        return []

    monkeypatch.setattr(here.bridge.store.requests, "take", none)
    assert "writes nothing" in await acted(client, "/mappings/people/mode", {"mode": "shadow"})
    assert "from now on" in await acted(client, "/mappings/people/mode", {"mode": "live"})
    last = (await client.get(f"{API}/audit?limit=1"))["acts"][0]
    assert (last["person"], last["action"], "from now on" in last["answer"]) == ("anna", "mode", True)


async def test_a_shown_time_is_exactly_the_time_of_the_undo(here: Office, client: Client) -> None:
    status, told = await client.ask("POST", f"{API}/mappings/people/undo", {"since": "1h"})
    assert (status, told["state"]) == (200, "done")
    meant = moment_of(told["since"], 0.0)
    assert 0 <= here.bridge.store.now() - 3600 - meant < 60
    form = {"mapping": "people", "since": "1h", "back": "/mappings/people"}
    headers = {"Authorization": f"Bearer {ANNA}", "Origin": here.url}
    async with client.session.post(f"{here.url}/act/undo_mapping", data=form, headers=headers) as answer:
        page = await answer.text()
    assert 'hx-get="/act' not in page, "an event of the bridge does not remove the question"
    (sent,) = re.findall(r'name="since" value="([^"]*)"', page)
    assert moment_of(sent, 0.0) >= meant
    pair = (await client.get(f"{API}/records/crm/person/{here.ids['Ana Lund']}"))["pairs"][0]
    moments = [moment_of(entry["since"], 0.0) for entry in pair["story"] if entry["since"]]
    rows = await here.bridge.store.journal.writes_since("people", 0.0)
    assert any(0 <= row.at - one < 3e-6 for row in rows for one in moments), "to the microsecond"


async def looked(here: Office, client: Client, path: str) -> Any:
    found: Any = None

    async def ended() -> bool:
        nonlocal found
        found = await client.get(API + path)
        return found["state"] not in ("never", "under way")

    await here.until(ended, f"the end of {path}")
    assert (found["state"], found["fault"]) == ("done", ""), found
    return found


async def test_a_plan_shows_totals_and_each_record(here: Office, client: Client) -> None:
    assert (await client.get(f"{API}/plan", token=OLE))["state"] == "never"
    status, told = await client.ask("POST", f"{API}/plan", {"mapping": "peple"})
    assert (status, "people" in told["error"]) == (404, True)
    status, told = await client.ask("POST", f"{API}/plan", {})
    assert (status, told["state"], told["requested_by"]) == (200, "under way", "anna")
    found = await looked(here, client, "/plan")
    assert {one["name"] for one in found["mappings"]} == {"deals", "organizations", "people"}
    deals = next(one for one in found["mappings"] if one["name"] == "deals")
    group = next(one for one in deals["groups"] if one["kind"] == "create")
    (row,) = group["rows"]
    assert (group["number"], row["page"]) == (1, f"/records/crm/deal/{here.ids['waits']}")
    assert any("Waits for the stocktaking" in line for line in row["fields"])
    assert found["cost"]
    assert (await client.get(f"{API}/audit?limit=1"))["acts"][0]["action"] == "plan"


async def test_a_verification_names_what_differs_and_repairs_it(here: Office, client: Client) -> None:
    status, told = await client.ask("POST", f"{API}/mappings/organizations/verify", {})
    assert (status, told["state"]) == (200, "under way")
    found = await looked(here, client, "/mappings/organizations/verify")
    assert found["verified_at"]
    assert dict(found["numbers"])["equal"] == found["equal"]
    assert (found["pairs"], found["agrees"]) == (3, False)
    told = {one["text"]: (one["number"], one["wrong"]) for one in found["found"]}
    assert told["only in crm: dead letters"] == (2, True)
    assert told["differ in name, and the bridge leaves that as is"] == (1, False)


async def test_the_doctor_says_what_is_wrong_and_what_to_do(here: Office, client: Client) -> None:
    assert (await client.ask("POST", f"{API}/doctor", {}, token=OLE))[0] == 403
    await client.ask("POST", f"{API}/doctor", {})
    found = await looked(here, client, "/doctor")
    lines = {line["part"]: line for line in found["lines"]}
    assert lines["settings"]["word"] == "ok"
    assert lines["bridge"]["text"].startswith("1 running")
    assert lines["dead letters"]["word"] == "warn"
    assert "bridge dead-letters list" in lines["dead letters"]["remedy"]
    assert found["worst"] in ("warn", "fail")


async def test_a_repair_from_a_page_is_noted_once_with_the_person(here: Office, client: Client) -> None:
    before = len((await client.get(f"{API}/audit?limit=500"))["acts"])
    await client.ask("POST", f"{API}/mappings/organizations/verify/repair", {})
    await looked(here, client, "/mappings/organizations/verify")
    acts = (await client.get(f"{API}/audit?limit=500"))["acts"]
    assert len(acts) == before + 1
    assert (acts[0]["person"], acts[0]["action"], acts[0]["about"]) == ("anna", "verify --repair", "organizations")
    assert acts[0]["answer"].endswith("marked as due")


async def test_a_verification_that_ended_early_is_nowhere_shown_as_agreeing(here: Office, client: Client) -> None:
    report = Report("people", {Side.LEFT: ("crm", "person"), Side.RIGHT: ("erp", "contact")}, here.bridge.store.now())
    report.fault = "crm: no answer within 30 s"
    await here.bridge.store.verifications.end("people", report.started_at, report.summary())
    here.bridge.looks.of_kind["verify people"] = Look("people", "anna", 1.0, 2.0, [report.document()])
    shown = await client.get(f"{API}/mappings/people/verify")
    assert (shown["agrees"], shown["agreed"], shown["fault"]) == (None, None, "crm: no answer within 30 s")
    page = await client.get("/mappings/people/verify")
    assert ("It ended early. 0 of 0 pairs are equal" in page, "it ended early" in page, "gree:" in page) == (
        True,
        True,
        False,
    )
    (mine,) = [one for one in (await client.get(f"{API}/runs"))["verified"] if one["mapping"] == "people"]
    assert (mine["agreed"], mine["ended_early"]) == (None, True)
    assert '<span class="tag warn">ended early</span>' in await client.get("/runs")
    overview = await client.get(f"{API}/overview")
    assert "The last verification of people ended early" in [one["text"] for one in overview["troubles"]]
    assert not overview["in_sync"]
    assert ", ended early" in await client.get("/")


async def test_after_a_restore_the_page_shows_what_a_verification_waits_for(here: Office, client: Client) -> None:
    """It waits for ever: no sweep is later than a restore in the year 2100."""
    number = await here.bridge.store.requests.add(RESTORED, {"mapping": "people", "since": 4_102_444_800.0})
    try:
        (mine,) = [one for one in (await client.get(f"{API}/runs"))["verified"] if one["mapping"] == "people"]
        assert mine["awaited"] == "it is verified after the restore, when every record of both sides was compared"
        assert mine["awaited"] in await client.get("/runs")
    finally:
        await here.bridge.store.requests.done(number, Answer("the test is over"))
