"""The SuperOffice simulator's answers have the names and types of the vendor's description (tests need that file)."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.simulators.world import World
from tests.simulators.superoffice_calls import Calls, running

SPEC = Path(__file__).parents[2].parent / "shared/specs/superoffice.rest-v1.swagger.json"

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the vendor's description is not here")


@pytest.fixture(scope="module")
def definitions() -> dict[str, Any]:
    found = json.loads(SPEC.read_text())["definitions"]
    return {name.rpartition(".")[2]: content for name, content in found.items()}


def complaints(value: Any, kind: dict[str, Any], definitions: dict[str, Any], path: str) -> list[str]:
    """Return names that are not described and types that differ; null is accepted for everything."""
    name = kind.get("$ref", "").rpartition(".")[2]
    kind = definitions[name] if name else kind
    if value is None or (kind.get("type") == "object" and "properties" not in kind):
        return []
    if kind.get("type") == "array":
        return [bad for one in value for bad in complaints(one, kind["items"], definitions, f"{path}[]")]
    if "properties" in kind:
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        known = kind["properties"]
        odd = [f"{path}.{key} is not described" for key in value if key not in known and key != "_Links"]
        inner = [bad for k in value if k in known for bad in complaints(value[k], known[k], definitions, f"{path}.{k}")]
        return odd + inner
    types = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    wanted = types.get(kind.get("type", ""), object)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):  # type: ignore[arg-type]
        return [f"{path} is {value!r}"]
    return [] if "enum" not in kind or value in kind["enum"] else [f"{path} may not be {value!r}"]


def test_the_comparison_finds_what_is_wrong(definitions: dict[str, Any]) -> None:
    wrong = {"ContactId": "1", "Foo": 1, "Category": {"Id": "x"}, "Emails": [{"Value": 3}], "NoMailing": 1}

    assert len(complaints(wrong, definitions["ContactEntity"], definitions, "contact")) == 5


async def full(calls: Calls) -> None:
    """Create one record of each entity with every part filled."""
    element = [{"Value": "x", "Description": "d"}]
    shared = {"Associate": {"AssociateId": 7}, "CustomFields": {"SuperOffice:2": "[I:1]"}}
    place = {"Category": {"Id": 1}, "Business": {"Id": 1}, "Country": {"CountryId": 1}}
    street = {"Address": {"Street": {"City": "Oslo"}}}
    links = {"Contact": {"ContactId": 1}, "Person": {"PersonId": 1}, "Project": {"ProjectId": 1}}
    await calls.make("/Contact", Name="a", Emails=element, Domains=["x"], **place, **street, **shared)
    await calls.make("/Person", Lastname="p", Contact={"ContactId": 1}, Position={"Id": 1}, **place, **street, **shared)
    await calls.make("/Project", Name="p", ProjectType={"Id": 1}, Urls=element, **shared)
    await calls.make("/Sale", Heading="s", Currency={"Id": 1}, Rating={"Id": 1}, **links, **shared)
    await calls.make("/Appointment", Title="t", Task={"TaskListItemId": 1}, Sale={"SaleId": 1}, **links, **shared)
    await calls.make("/Product", Name="d")
    await calls.make("/Pricelist", Name="l")
    await calls.hook("contact.created")


@pytest.mark.parametrize(
    ("path", "carrier"),
    [
        ("/Contact/1", "ContactEntity"),
        ("/Person/1", "PersonEntity"),
        ("/Sale/1", "SaleEntity"),
        ("/Project/1", "ProjectEntity"),
        ("/Appointment/1", "AppointmentEntity"),
        ("/Product/1", "Product"),
        ("/Pricelist/1", "PriceList"),
        ("/Contact/default", "ContactEntity"),
        ("/Webhook/1", "Webhook"),
        ("/Webhook/default", "Webhook"),
        ("/User/currentPrincipal", "SoPrincipalCarrier"),
        ("/User/currentAssociate", "Associate"),
        ("/TimeZone/base", "TimeZoneData"),
        ("/Sale", "ODataSlimResponse"),
    ],
)
async def test_answers_are_as_described(world: World, definitions: dict[str, Any], path: str, carrier: str) -> None:
    async with running(world) as calls:
        await full(calls)
        status, shown = await calls.call("GET", path)

    assert status == 200
    assert complaints(shown, definitions[carrier], definitions, carrier) == []


@pytest.mark.parametrize(
    ("path", "carrier"),
    [
        ("/List/Category/Items", "ListItemEntity"),
        ("/List/Currency/Items", "CurrencyEntity"),
        ("/List/SaleType/Items", "SaleTypeEntity"),
        ("/List/Rating/Items", "SaleStageEntity"),
        ("/List/Task/Items", "TaskListItem"),
        ("/List/Country/Items", "Country"),
        ("/MDOList/associate", "MDOListItem"),
        ("/MDOList/category", "MDOListItem"),
        ("/Contact/UdefLayout/Published", "UserDefinedFieldInfo"),
        ("/Sale/CustomField", "FieldInfoBase"),
        ("/Contact/Duplicates/a", "DuplicateEntry"),
        ("/Webhook", "Webhook"),
    ],
)
async def test_arrays_are_as_described(world: World, definitions: dict[str, Any], path: str, carrier: str) -> None:
    async with running(world) as calls:
        await full(calls)
        status, shown = await calls.call("GET", path)

    assert status == 200
    assert shown
    assert [bad for one in shown for bad in complaints(one, definitions[carrier], definitions, carrier)] == []


async def test_addresses_of_the_simulator_exist(world: World) -> None:
    """Every address but PATCH, which the description leaves out, and the agents' calls."""
    described = {
        (verb.upper(), path.replace("/api/v1", "", 1).lower())
        for path, verbs in json.loads(SPEC.read_text())["paths"].items()
        for verb in verbs
    }
    shapes = {(verb, bare(path)) for verb, path in described}
    async with running(world) as calls:
        routes = [
            (route.method, route.resource.canonical.replace("/api/v1", "", 1).lower().rstrip("/"))
            for route in calls.simulator.app.router.routes()
            if route.resource is not None and route.resource.canonical.startswith("/api/v1/")
        ]

    known_gaps = {"/list/{}/items", "/list/{}/mdoitems", "/timezone/base"}
    missing = {
        (verb, path)
        for verb, path in routes
        if verb != "PATCH" and not path.startswith("/agents/") and (verb, bare(path)) not in shapes
    }
    assert {path for _verb, path in missing if bare(path) not in known_gaps} == set()


def bare(path: str) -> str:
    return "/".join("{}" if "{" in part else part for part in path.split("/"))
