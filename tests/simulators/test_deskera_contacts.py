"""Sales contacts of the Deskera simulator, over HTTP."""

import pytest

from bridge.simulators.control import UnknownRecord
from bridge.simulators.faults import ResponseFault, Trim
from bridge.simulators.world import World
from tests.simulators.deskera_calls import running
from tests.simulators.doubles import HandClock


async def test_a_contact_reads_as_written_with_audit_fields(world: World, clock: HandClock) -> None:
    async with running(world) as deskera:
        made = await deskera.contact(email="a@x.test", phone="9876", country_code="+91", label_id=3)
        await clock.advance(1.5)
        status, nothing = await deskera.call("PATCH", f"/v1/crm/contacts/{made['id']}", {"name": "Bea"})
        _status, read = await deskera.call("GET", f"/v1/crm/contacts/{made['id']}")

    assert (status, nothing) == (201, None)
    assert (read["name"], read["email"], read["phone"], read["type"]) == ("Bea", "a@x.test", "9876", "person")
    assert read["label"] == {"id": 3, "name": "Warm lead"}
    assert (read["created_at"], read["updated_at"]) == ("2027-01-15T08:00:00.000000Z", "2027-01-15T08:00:01.500000Z")


async def test_put_resets_columns_it_does_not_name_unless_switched_off(world: World) -> None:
    for partial, phone in ((False, ""), (True, "1")):
        async with running(world, partial_put=partial) as deskera:
            made = await deskera.contact(phone="1")
            await deskera.call("PUT", f"/v1/crm/contacts/{made['id']}", {"name": "Bea"})
            _status, read = await deskera.call("GET", f"/v1/crm/contacts/{made['id']}")

        assert (read["name"], read["phone"]) == ("Bea", phone)


async def test_a_record_read_and_put_back_is_unchanged(world: World) -> None:
    async with running(world) as deskera:
        company = await deskera.contact(name="Acme", type="organization")
        segment = [{"code": "SEGMENT", "value": "Gold"}]
        made = await deskera.contact(email="a@x.test", organization_id=company["id"], custom_field=segment)
        status, _body = await deskera.call("PUT", f"/v1/crm/contacts/{made['id']}", made)
        _status, read = await deskera.call("GET", f"/v1/crm/contacts/{made['id']}")

    assert status == 201
    assert read == made


async def test_phone_can_be_missing_on_read(world: World) -> None:
    async with running(world, show_phone=False) as deskera:
        assert "phone" not in await deskera.contact(phone="1")


async def test_custom_fields_are_written_by_code_or_label_and_shown_twice(world: World) -> None:
    async with running(world) as deskera:
        size = deskera.simulator.state.add_custom_field("contacts", "Size")
        values = [{"code": "SEGMENT", "value": "Gold"}, {"label": "Size", "value": "77"}]
        made = await deskera.contact(custom_field=values)
        cleared = {"custom_field": [{"code": "SEGMENT", "value": ""}]}
        await deskera.call("PATCH", f"/v1/crm/contacts/{made['id']}", cleared)
        _status, read = await deskera.call("GET", f"/v1/crm/contacts/{made['id']}")

    assert size["code"] == "D-0000011"
    assert made["c_field"] == {"Segment": "Gold", "Pipedrive ID": "", "Size": "77"}
    assert [(item["code"], item["value"]) for item in made["custom_field"]] == [
        ("SEGMENT", "Gold"),
        (size["code"], "77"),
    ]
    assert read["c_field"] == {"Segment": "", "Pipedrive ID": "", "Size": "77"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "type": "company"}, "type"),
        ({"name": "x", "phone": 47}, "phone"),
        ({"name": "x", "label_id": 99}, "label_id"),
        ({"name": "x", "organization_id": 99}, "organization_id"),
        ({"name": "x", "custom_field": [{"code": "NOPE", "value": "1"}]}, "custom_field"),
        ({"name": "x", "custom_field": [{"code": "SEGMENT", "value": "Iron"}]}, "custom_field"),
    ],
)
async def test_bad_contacts_are_refused_in_the_service_error_shape(
    world: World, body: dict[str, object], field: str
) -> None:
    async with running(world) as deskera:
        status, answer = await deskera.call("POST", "/v1/crm/contacts", body)
        _status, listed = await deskera.call("GET", "/v1/crm/contacts")

    assert (status, answer["code"], answer["httpStatus"]) == (400, 400, "BAD_REQUEST")
    assert [error["field"] for error in answer["errors"]] == [field]
    assert listed["data"] == []


@pytest.mark.parametrize("status", [400, 409])
async def test_emails_can_be_made_unique(world: World, status: int) -> None:
    async with running(world, unique_email=status) as deskera:
        made = await deskera.contact(email="a@x.test")
        seen, answer = await deskera.call("POST", "/v1/crm/contacts", {"name": "Bea", "email": "A@x.test"})
        same, _body = await deskera.call("PATCH", f"/v1/crm/contacts/{made['id']}", {"email": "a@x.test"})

    assert (seen, same) == (status, 201)
    assert "already exists" in answer["errorMessage"]


async def test_pages_count_from_one_and_carry_the_total(world: World) -> None:
    async with running(world) as deskera:
        for number in range(5):
            await deskera.contact(name=f"n{number}")
        pages = [(await deskera.call("GET", "/v1/crm/contacts", page=str(n), limit="2"))[1] for n in (1, 2, 3, 4)]
        _status, newest = await deskera.call("GET", "/v1/crm/contacts", orderBy="id", order="desc", limit="1")

    assert [[row["name"] for row in page["data"]] for page in pages] == [["n0", "n1"], ["n2", "n3"], ["n4"], []]
    assert pages[1]["paginationInfo"] == {"page": 2, "totalRecords": 5}
    assert newest["data"][0]["name"] == "n4"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"type": "organization"}, ["Acme"]),
        ({"email": "ANN@x.test"}, ["Ann"]),
        ({"email": "ann@"}, []),
        ({"name": "be"}, ["Bea"]),
        ({"phone": "+47 12"}, ["Bea"]),
        ({"search": "x.test"}, ["Ann"]),
        ({"contact_ids": "1,3"}, ["Ann", "Acme"]),
        ({"contains_email": "true"}, ["Ann"]),
    ],
)
async def test_list_parameters(world: World, query: dict[str, str], names: list[str]) -> None:
    async with running(world) as deskera:
        await deskera.contact(name="Ann", email="ann@x.test")
        await deskera.contact(name="Bea", phone="4712")
        await deskera.contact(name="Acme", type="organization")
        _status, answer = await deskera.call("GET", "/v1/crm/contacts", **query)

    assert [row["name"] for row in answer["data"]] == names


async def test_several_are_read_and_edited_at_once(world: World) -> None:
    async with running(world) as deskera:
        for name in ("a", "b", "c"):
            await deskera.contact(name=name)
        status, _body = await deskera.call("PATCH", "/v1/crm/contacts", {"ids": [1, 2], "label_id": 4})
        _status, rows = await deskera.call("POST", "/v1/crm/contacts/multiple", {"contact_ids": [3, 1, 99]})

    assert status == 201
    assert [(row["name"], row["label_id"]) for row in rows] == [("c", 1), ("a", 4)]


async def test_deleted_contacts_are_gone(world: World) -> None:
    async with running(world) as deskera:
        made = await deskera.contact()
        path = f"/v1/crm/contacts/{made['id']}"
        deleted = await deskera.call("DELETE", path)
        statuses = [(await deskera.call(method, path, {}))[0] for method in ("GET", "PATCH", "DELETE")]
        _status, listed = await deskera.call("GET", "/v1/crm/contacts")

    assert deleted == (200, None)
    assert statuses == [404, 404, 404]
    assert listed["paginationInfo"]["totalRecords"] == 0


async def test_people_and_their_organization_see_each_other(world: World) -> None:
    async with running(world) as deskera:
        ann = await deskera.contact(organization_name="Acme")
        bea = await deskera.contact(name="Bea", organization_name="Acme")
        _status, company = await deskera.call("GET", f"/v1/crm/contacts/{ann['organization_id']}")

    assert ann["organization"]["name"] == "Acme"
    assert ann["organization_id"] == bea["organization_id"]
    assert [person["name"] for person in company["persons"]] == ["Ann", "Bea"]


@pytest.mark.parametrize(("replaced", "there"), [(False, ["Ann", "Bea"]), (True, ["Bea"])])
async def test_a_company_that_is_put_with_a_list_of_people_gets_them_and_keeps_or_loses_the_others(
    world: World, replaced: bool, there: list[str]
) -> None:
    """Which of both is not documented."""
    async with running(world, replace_people=replaced) as deskera:
        company = await deskera.contact(name="Acme", type="organization")
        await deskera.contact(organization_id=company["id"])
        bea = await deskera.contact(name="Bea")
        path, body = f"/v1/crm/contacts/{company['id']}", {"name": "Acme", "type": "organization"}
        await deskera.call("PUT", path, body | {"person_ids": [bea["id"]]})
        _status, listed = await deskera.call("GET", path)
        await deskera.call("PUT", path, body)
        _status, unlisted = await deskera.call("GET", path)

    assert [person["name"] for person in listed["persons"]] == there
    assert [person["name"] for person in unlisted["persons"]] == ([] if replaced else there)


async def test_a_company_that_is_put_with_a_person_of_another_one_takes_the_person_over(world: World) -> None:
    async with running(world) as deskera:
        ann = await deskera.contact(organization_name="Acme")
        berg = await deskera.contact(name="Berg", type="organization", person_ids=[ann["id"]])
        _status, moved = await deskera.call("GET", f"/v1/crm/contacts/{ann['id']}")

    assert moved["organization_id"] == berg["id"]


async def test_a_lagging_read_of_a_company_shows_its_people_as_they_were(world: World, clock: HandClock) -> None:
    async with running(world) as deskera:
        ann = await deskera.contact(organization_name="Acme")
        await clock.advance(100)
        deskera.simulator.faults.read_lag = {"contacts": 10}
        deskera.simulator.person_edits("contacts", ann["id"], {"organization_id": 0})
        seen = []
        for _ in range(2):
            _status, company = await deskera.call("GET", f"/v1/crm/contacts/{ann['organization_id']}")
            seen.append([person["name"] for person in company["persons"]])
            await clock.advance(10)

    assert seen == [["Ann"], []]


async def test_labels_are_kept(world: World) -> None:
    async with running(world) as deskera:
        status, made = await deskera.call("POST", "/v1/crm/contacts/labels", {"name": "VIP", "color": "gold"})
        _status, one = await deskera.call("GET", f"/v1/crm/contacts/labels/{made['id']}")
        await deskera.call("DELETE", f"/v1/crm/contacts/labels/{made['id']}")
        _status, labels = await deskera.call("GET", "/v1/crm/contacts/labels")

    assert (status, one["name"]) == (201, "VIP")
    assert [label["name"] for label in labels] == ["No label", "Cold lead", "Warm lead", "Hot lead"]


async def test_reads_searches_and_deletes_lag(world: World, clock: HandClock) -> None:
    async with running(world) as deskera:
        made = await deskera.contact(email="a@x.test")
        await clock.advance(100)
        deskera.simulator.faults.search_lag = 30
        young = await deskera.contact(name="Bea", email="b@x.test")
        _status, unseen = await deskera.call("GET", "/v1/crm/contacts", email="b@x.test")
        _status, listed = await deskera.call("GET", "/v1/crm/contacts")
        deskera.simulator.faults.read_lag = {"contacts": 10}
        await deskera.call("DELETE", f"/v1/crm/contacts/{made['id']}")
        lagging, _body = await deskera.call("GET", f"/v1/crm/contacts/{made['id']}")
        await clock.advance(30)
        settled, _body = await deskera.call("GET", f"/v1/crm/contacts/{made['id']}")
        _status, seen = await deskera.call("GET", "/v1/crm/contacts", email="b@x.test")

    assert (unseen["data"], len(listed["data"])) == ([], 2)
    assert (lagging, settled) == (200, 404)
    assert [row["id"] for row in seen["data"]] == [young["id"]]


async def test_names_can_be_truncated(world: World) -> None:
    async with running(world) as deskera:
        deskera.simulator.faults.trim = {"contacts": Trim(strip=True, lengths={"name": 50})}
        made = await deskera.contact(name="  " + "x" * 60)

    assert made["name"] == "x" * 50


async def test_a_create_whose_answer_fails_took_effect(world: World) -> None:
    async with running(world) as deskera:
        fault = ResponseFault(status=503, method="POST", path="contacts", after=True, times=1)
        deskera.simulator.faults.responses.append(fault)
        status, answer = await deskera.call("POST", "/v1/crm/contacts", {"name": "Ann"})
        _status, listed = await deskera.call("GET", "/v1/crm/contacts")

    assert (status, answer["httpStatus"]) == (503, "SERVICE_UNAVAILABLE")
    assert [row["name"] for row in listed["data"]] == ["Ann"]


@pytest.mark.parametrize(("variant", "status"), [("in-band", 200), ("gateway", 404), ("", 406)])
async def test_error_bodies_of_faults(world: World, variant: str, status: int) -> None:
    async with running(world) as deskera:
        code = 404 if variant == "gateway" else 406
        deskera.simulator.faults.responses.append(ResponseFault(status=code, variant=variant))
        seen, body = await deskera.call("GET", "/v1/crm/contacts")

    assert seen == status
    assert ("requestPath" in body) is (variant == "gateway")
    assert ("errorMessage" in body) is (variant != "gateway")


async def test_unknown_paths_get_the_gateways_body(world: World) -> None:
    async with running(world) as deskera:
        status, body = await deskera.call("GET", "/v1/nothing")

    assert (status, body["requestPath"]) == (404, "/v1/nothing")


async def test_a_persons_mistakes_are_reported(world: World) -> None:
    async with running(world) as deskera:
        with pytest.raises(UnknownRecord):
            deskera.simulator.person_edits("contacts", 5, {"name": "x"})
        with pytest.raises(UnknownRecord):
            deskera.simulator.person_deletes("leads", 5)
        with pytest.raises(ValueError, match="nickname"):
            deskera.simulator.person_creates("contacts", {"name": "x", "nickname": "y"})
        with pytest.raises(ValueError, match="name: is required"):
            deskera.simulator.person_creates("contacts", {})
