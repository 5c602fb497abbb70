"""Faults of the SuperOffice simulator in the vendor's form."""

import pytest

from bridge.simulators.faults import ResponseFault
from bridge.simulators.world import World
from tests.simulators.superoffice_calls import ROOT, running


@pytest.mark.parametrize(
    ("fault", "kind", "wait", "text"),
    [
        (ResponseFault(status=500, variant="html"), "text/html", None, "<html>"),
        (ResponseFault(status=503, variant="empty"), "application/octet-stream", "1", ""),
        (ResponseFault(status=503), "application/json", "1", "ErrorType"),
        (ResponseFault(status=429), "application/json", "1", "ErrorType"),
        (ResponseFault(status=421), "text/plain", None, "subdomain"),
        (ResponseFault(status=401), "application/json", None, "ErrorType"),
    ],
)
async def test_failing_answers(world: World, fault: ResponseFault, kind: str, wait: str | None, text: str) -> None:
    async with running(world) as calls:
        calls.simulator.faults.responses.append(fault)
        async with calls.client.get(f"{ROOT}/Contact", headers=calls.headers) as answer:
            seen = answer.status, answer.content_type, answer.headers.get("Retry-After")
            body = await answer.text()

    assert seen == (fault.status, kind, wait)
    assert text in body


async def test_expired_tickets_are_refused_and_new_ones_work(world: World) -> None:
    async with running(world) as calls:
        calls.simulator.expire_tokens()
        old, _body = await calls.call("GET", "/Contact")
        calls.headers["Authorization"] = f"SOTicket {calls.simulator.access.issue_ticket()}"
        new, _body = await calls.call("GET", "/Contact")

    assert (old, new) == (401, 200)


async def test_an_unknown_address_and_an_unknown_zone_have_the_servers_error_body(world: World) -> None:
    async with running(world) as calls:
        nowhere, answer = await calls.call("GET", "/Nowhere")
        zone, _answer = await calls.call("GET", "/Contact", None, {"SO-TimeZone": "Mars/Base"})
        garbage, _answer = await calls.call("POST", "/Contact", [1])

    assert (nowhere, answer["ErrorType"], zone, garbage) == (404, "SoNotFoundException", 500, 400)


async def test_the_dump_shows_records_the_bin_and_hooks_without_secrets(world: World) -> None:
    async with running(world) as calls:
        await calls.hook("contact.created", Secret="very-secret")
        await calls.make("/Contact", Name="a")
        await calls.make("/Contact", Name="b")
        calls.simulator.person_deletes("contact", 2)
        async with calls.client.get("/_control/state") as answer:
            text, dump = await answer.text(), await answer.json()

    assert [row["Name"] for row in dump["records"]["contact"]] == ["a"]
    assert dump["recycled"]["contact"] == [2]
    assert "very-secret" not in text
