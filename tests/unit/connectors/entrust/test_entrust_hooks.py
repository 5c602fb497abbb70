"""Registrations are adopted, repaired, or replaced when their token is lost; event names that a tenant refuses."""

from typing import Any

import pytest
from entrust_fakes import FakeEntrust, Hooks, options, refusal
from http_fakes import answer

from bridge.connectors.entrust.client import EntrustClient
from bridge.connectors.entrust.hook_tokens import HookTokens
from bridge.connectors.entrust.hooks import EVENTS, EntrustHooks
from bridge.connectors.protocols import TransportFailed
from bridge.connectors.rows import Listings
from bridge.domain.callback import SeenHook
from bridge.domain.errors import OutcomeUnknown, Rejected

URL = "https://bridge.example/hooks/idaas1/user/token"
POST = "POST v1/webhooks"


@pytest.fixture
def vendor() -> FakeEntrust:
    return FakeEntrust()


@pytest.fixture
def tenant(vendor: FakeEntrust) -> Hooks:
    return Hooks(vendor)


def connect(vendor: FakeEntrust, **changed: Any) -> EntrustHooks:
    """Another instance of the bridge on the same store."""
    tokens = HookTokens("idaas1", vendor.vault, vendor.clock)
    construction = vendor.construction(**changed)
    listings = Listings(construction.system, construction.skipped)
    return EntrustHooks(EntrustClient(construction), listings, tokens, options(**changed))


async def create(hooks: EntrustHooks) -> SeenHook:
    (spec,) = hooks.wanted(frozenset({"user", "group"}))
    return await hooks.create(spec, URL, "acme user")


async def test_only_users_raise_events(vendor: FakeEntrust) -> None:
    hooks = connect(vendor)
    assert hooks.wanted(frozenset({"group", "organization"})) == []
    (spec,) = hooks.wanted(frozenset({"user"}))
    assert (spec.key, spec.entities, spec.kinds) == ("user", {"user"}, {"created", "changed", "deleted"})


async def test_a_hook_is_registered_without_expiry_tested_and_its_token_stored(
    vendor: FakeEntrust, tenant: Hooks
) -> None:
    hooks = connect(vendor)
    made = await create(hooks)
    assert vendor.sent(POST) == [
        {
            "callbackUrl": URL,
            "enabled": True,
            "events": [{"type": name} for name in EVENTS],
            "expiry": 0,
            "name": "acme user",
        }
    ]
    assert vendor.sent(f"POST v1/webhooks/test/{made.id}") == [{}]
    (kept,) = vendor.vault.kept.values()
    assert kept["token"] == tenant.rows[made.id]["token"]
    assert await hooks.seen() == [SeenHook(made.id, URL, "user")]
    assert kept["token"] not in repr(made)


async def test_registering_again_changes_nothing_in_any_instance(vendor: FakeEntrust, tenant: Hooks) -> None:
    made = await create(connect(vendor))
    assert await create(connect(vendor)) == made
    assert len(vendor.sent(POST)) == 1
    assert list(tenant.rows) == [made.id]


@pytest.mark.parametrize("lost", [{}, {"events": [{"type": "user.deleted"}]}])
async def test_a_disabled_or_changed_hook_is_repaired_and_keeps_its_token(
    vendor: FakeEntrust, tenant: Hooks, lost: dict[str, Any]
) -> None:
    made = await create(connect(vendor))
    tenant.rows[made.id] |= lost or {"enabled": False}
    (seen,) = await connect(vendor).seen()
    assert (seen.active and seen.key == "user") is False
    assert (await create(connect(vendor))).id == made.id
    assert tenant.rows[made.id]["enabled"]
    assert len(vendor.sent(POST)) == 1
    (sent,) = vendor.sent(f"PUT v1/webhooks/{made.id}")
    assert set(sent) == {"callbackUrl", "enabled", "events", "expiry", "name"}


async def test_a_hook_with_a_filter_is_repaired(vendor: FakeEntrust, tenant: Hooks) -> None:
    made = await create(connect(vendor))
    tenant.rows[made.id]["events"][0]["filter"] = '[{"groupId": "g"}]'
    (seen,) = await connect(vendor).seen()
    assert (seen.active, seen.note) == (False, "a filter excludes events of some users")
    assert (await create(connect(vendor))).id == made.id
    (sent,) = vendor.sent(f"PUT v1/webhooks/{made.id}")
    assert sent["events"] == [{"type": name} for name in EVENTS]


@pytest.mark.parametrize("shown", ["", "null", "[]", " {} ", [], {}, None])
async def test_an_empty_filter_is_no_filter(vendor: FakeEntrust, tenant: Hooks, shown: Any) -> None:
    made = await create(connect(vendor))
    tenant.rows[made.id]["events"][0]["filter"] = shown
    assert await connect(vendor).seen() == [SeenHook(made.id, URL, "user")]


async def test_a_filter_that_stays_on_a_new_hook_is_a_note_and_no_reason_to_register_at_each_audit(
    vendor: FakeEntrust, tenant: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(row: dict[str, Any]) -> dict[str, Any]:
        events = [{**event, "filter": '[{"groupId": "g"}]'} for event in row["events"]]
        return {**{name: value for name, value in row.items() if name != "token"}, "events": events}

    monkeypatch.setattr(tenant, "_plain", plain)
    for _audit in range(4):  # each by another instance
        if not any(seen.active for seen in await connect(vendor).seen()):
            await create(connect(vendor))
    assert len(vendor.sent(POST)) == 1
    (seen,) = await connect(vendor).seen()
    assert (seen.active, seen.note) == (True, "a filter excludes events of some users")


async def test_a_hook_without_event_names_receives_all_events_and_is_not_changed(
    vendor: FakeEntrust, tenant: Hooks
) -> None:
    made = await create(connect(vendor))
    del tenant.rows[made.id]["events"]
    (seen,) = await connect(vendor).seen()
    assert (seen.active, seen.key) == (True, "user")
    assert (await create(connect(vendor))).id == made.id
    assert vendor.sent(f"PUT v1/webhooks/{made.id}") == []


async def test_a_hook_that_cannot_be_repaired_is_replaced(vendor: FakeEntrust, tenant: Hooks) -> None:
    old = await create(connect(vendor))
    tenant.rows[old.id]["enabled"], tenant.put_replaces = False, False
    new = await create(connect(vendor))
    assert new.id != old.id
    assert list(tenant.rows) == [new.id]


async def test_an_expired_hook_is_replaced(vendor: FakeEntrust, tenant: Hooks) -> None:
    old = await create(connect(vendor))
    tenant.rows[old.id]["expired"] = True
    (seen,) = await connect(vendor).seen()
    assert (seen.active, seen.note) == (False, "expired")
    new = await create(connect(vendor))
    assert list(tenant.rows) == [new.id]


async def test_a_hook_whose_token_is_lost_counts_as_missing_and_is_replaced(vendor: FakeEntrust, tenant: Hooks) -> None:
    old = await create(connect(vendor))
    vendor.vault.kept.clear()
    (seen,) = await connect(vendor).seen()
    assert (seen.active, seen.note) == (False, "its token is not known here")
    new = await create(connect(vendor))
    assert list(tenant.rows) == [new.id]
    assert [vendor.name(request) for request in vendor.requests if request.method in ("POST", "DELETE")][-3:] == [
        POST,
        f"DELETE v1/webhooks/{old.id}",
        f"POST v1/webhooks/test/{new.id}",
    ]


async def test_hooks_of_others_are_left_alone(vendor: FakeEntrust, tenant: Hooks) -> None:
    tenant.add("wh_other", {"callbackUrl": "https://other.example", "enabled": True, "events": [{"type": "x"}]})
    made = await create(connect(vendor))
    assert {hook.id: hook.key for hook in await connect(vendor).seen()} == {"wh_other": "other", made.id: "user"}


@pytest.mark.parametrize("refused", [1, 2])
async def test_events_that_a_tenant_refuses_are_left_out(vendor: FakeEntrust, tenant: Hooks, refused: int) -> None:
    vendor.once[POST] = [refusal(400, "unknown event type")] * refused
    hooks = connect(vendor)
    made = await create(hooks)
    events = [event["type"] for event in tenant.rows[made.id]["events"]]
    assert events == [["user.created", "user.updated", "user.deleted"], ["user.create"]][refused - 1]
    (seen,) = await hooks.seen()
    assert (seen.active, seen.key) == (True, "user")
    assert "does not report" in seen.note
    assert (await create(hooks)).id == made.id


async def test_an_old_tenant_accepts_a_hook_without_a_name(vendor: FakeEntrust, tenant: Hooks) -> None:
    vendor.once[POST] = [refusal(400, "Unrecognized field: name")]
    await create(connect(vendor))
    assert "name" not in vendor.sent(POST)[1]


async def test_a_refusal_carries_the_vendors_words(vendor: FakeEntrust, tenant: Hooks) -> None:
    vendor.once[POST] = [refusal(409, "limit of 20 webhooks")]
    with pytest.raises(Rejected, match="limit of 20 webhooks") as caught:
        await create(connect(vendor))
    assert caught.value.status == 409
    vendor.once[POST] = [refusal(400, "callbackUrl must be HTTPS"), *[refusal(400, "again")] * 2]
    with pytest.raises(Rejected, match="must be HTTPS"):
        await create(connect(vendor))


async def test_a_hook_registered_without_an_answered_token_is_removed(vendor: FakeEntrust, tenant: Hooks) -> None:
    row = tenant.add("wh_9", {"callbackUrl": URL, "enabled": True, "events": [{"type": name} for name in EVENTS]})
    vendor.once[POST] = [answer(200, {**row, "token": None})]
    with pytest.raises(Rejected, match="token"):
        await create(connect(vendor))
    assert tenant.rows == {}


async def test_a_registration_without_an_answer_has_an_unknown_outcome_and_its_hook_counts_as_missing(
    vendor: FakeEntrust, tenant: Hooks
) -> None:
    vendor.once[POST] = [TransportFailed("timed out", sent=True)]
    tenant.add("wh_7", {"callbackUrl": URL, "enabled": True, "events": [{"type": name} for name in EVENTS]})
    with pytest.raises(OutcomeUnknown):
        await create(connect(vendor))
    (seen,) = await connect(vendor).seen()
    assert not seen.active


async def test_a_failing_test_does_not_undo_the_registration(vendor: FakeEntrust, tenant: Hooks) -> None:
    vendor.once["POST v1/webhooks/test/wh_1"] = [refusal(403, "WEBHOOKS:EDIT required")]
    assert (await create(connect(vendor))).active
    assert len(vendor.sent("POST v1/webhooks/test/wh_1")) == 1


async def test_tests_can_be_left_out(vendor: FakeEntrust, tenant: Hooks) -> None:
    await create(connect(vendor, test_hooks=False))
    assert vendor.sent("POST v1/webhooks/test/wh_1") == []


async def test_removing_a_missing_hook_is_no_error(vendor: FakeEntrust, tenant: Hooks) -> None:
    await connect(vendor).remove("wh_404")
    assert vendor.sent("DELETE v1/webhooks/wh_404") == [None]
