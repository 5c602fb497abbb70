"""Hooks and callbacks of Deskera."""

from typing import Any

import pytest
from deskera_fakes import FakeDeskera
from http_fakes import START, FakeClock, answer

from bridge.connectors.deskera.callbacks import EVENTS
from bridge.domain.callback import Callback, HookSecret
from bridge.domain.errors import Rejected

URL = "https://bridge.example/in/erp1/secret/CREATE_CRM_DEAL"
SECRET = HookSecret("u", "p")
ENTITIES = frozenset(entity for entity, _ in EVENTS.values())


@pytest.fixture
def fake(clock: FakeClock) -> FakeDeskera:
    return FakeDeskera(clock)


def deal_spec(fake: FakeDeskera) -> Any:
    return next(each for each in fake.connector().hooks_for(ENTITIES) if each.key == "CREATE_CRM_DEAL")


async def test_one_hook_per_event_type(fake: FakeDeskera) -> None:
    connector = fake.connector()
    assert {each.key for each in connector.hooks_for(ENTITIES)} == set(EVENTS)
    assert {each.key for each in connector.hooks_for(frozenset({"crm_deal"}))} == {
        "CREATE_CRM_DEAL", "UPDATE_CRM_DEAL", "DELETE_CRM_DEAL",
    }  # fmt: skip


async def test_registering_sends_exactly_the_six_fields(fake: FakeDeskera) -> None:
    connector = fake.connector()
    made = await connector.create_hook(deal_spec(fake), URL, SECRET, "bridge")
    assert fake.bodies("POST", "/v1/webhooks/register") == [
        {
            "clientId": "cl_pub_1", "clientSecret": "cl_priv_1", "accessToken": fake.access, "refreshToken": "r1",
            "eventType": "CREATE_CRM_DEAL", "webhookUrl": URL,
        }
    ]  # fmt: skip
    assert await connector.list_hooks() == [made]
    assert (made.key, made.url) == ("CREATE_CRM_DEAL", URL)


async def test_registering_after_a_401_shows_the_new_tokens(fake: FakeDeskera) -> None:
    fake.special["POST /v1/webhooks/register"] = [answer(401, {"errorMessage": "token expired"})]
    await fake.connector().create_hook(deal_spec(fake), URL, SECRET, "bridge")
    bodies = fake.bodies("POST", "/v1/webhooks/register")
    assert [each["refreshToken"] for each in bodies] == ["r1", "r2"]
    assert bodies[1]["accessToken"] == fake.access


async def test_hooks_marked_as_deleted_are_not_listed(fake: FakeDeskera) -> None:
    fake.hooks = {1: {"hookId": 1, "deleted": True}, 2: {"hookId": 2, "deleted": False}}
    seen = await fake.connector().list_hooks()
    assert seen is not None
    assert [(each.id, each.key, each.url) for each in seen] == [("2", None, "")]


@pytest.mark.parametrize("prefix", ["/v1/webhook", "/webhooks"])
async def test_older_paths_are_found_and_remembered(fake: FakeDeskera, prefix: str) -> None:
    fake.hook_prefix = prefix
    connector = fake.connector()
    made = await connector.create_hook(deal_spec(fake), URL, SECRET, "bridge")
    before = len(fake.requests)
    await connector.remove_hook(made.id)
    assert len(fake.requests) == before + 1
    assert fake.hooks == {}


async def test_older_server_answers_with_two_fields_and_cannot_list(fake: FakeDeskera) -> None:
    fake.hook_prefix, fake.lists_hooks = "/v1/webhook", False
    connector = fake.connector()
    made = await connector.create_hook(deal_spec(fake), URL, SECRET, "bridge")
    assert (made.id, made.key, made.url) == ("1", "CREATE_CRM_DEAL", URL)
    assert await connector.list_hooks() is None


async def test_removing_a_missing_hook_is_no_error(fake: FakeDeskera) -> None:
    await fake.connector().remove_hook("99")
    assert fake.sent("DELETE", "/v1/webhooks/delete/99")


async def test_refused_registration_says_so(fake: FakeDeskera) -> None:
    fake.special["POST /v1/webhooks/register"] = [answer(400, {"errorMessage": "too many webhook keys"})]
    with pytest.raises(Rejected, match="too many webhook keys"):
        await fake.connector().create_hook(deal_spec(fake), URL, SECRET, "bridge")


async def test_callback_needs_nothing_but_its_address(fake: FakeDeskera) -> None:
    await fake.connector().verify(Callback("erp1", "CREATE_CRM_DEAL", "POST", URL, {}, b"", START), SECRET)


async def test_registering_again_finds_the_hook_that_is_there(fake: FakeDeskera) -> None:
    connector = fake.connector()
    first = await connector.create_hook(deal_spec(fake), URL, SECRET, "bridge")
    assert await connector.create_hook(deal_spec(fake), URL, SECRET, "bridge") == first
    assert len(fake.hooks) == 1
