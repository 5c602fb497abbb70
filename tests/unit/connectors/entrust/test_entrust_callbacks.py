"""Deliveries: which ones are accepted, what the connector learns from them, and which records they name."""

import hmac
import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from entrust_fakes import FakeEntrust, options
from http_fakes import START
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.entrust.callbacks import DeliveryCheck, decode
from bridge.connectors.entrust.hook_tokens import OVERLAP_SECONDS, HookTokens
from bridge.domain.callback import Callback
from bridge.domain.errors import BadCallback
from bridge.domain.event import EventKind, Origin

URL = "https://bridge.example/hooks/idaas1/user/token"
TOKEN = "whsec_" + b64encode(bytes(range(48))).decode()
USER = "b2c3d4e5-0000-4000-8000-000000000003"
EVENT = "770fa622-0000-7000-8000-000000000001"
COVERED = '("@method" "@target-uri" "content-digest");alg="hmac-sha256"'


def callback(body: Any = b"{}", **headers: str) -> Callback:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    low = {name.replace("_", "-"): value for name, value in headers.items()}
    return Callback("idaas1", "user", "POST", URL, low, raw, START)


def new(key: bytes = TOKEN.encode(), url: str = URL, body: bytes = b"{}") -> Callback:
    digest = f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"
    base = f'"@method": POST\n"@target-uri": {url}\n"content-digest": {digest}\n"@signature-params": {COVERED}'
    mac = b64encode(hmac.digest(key, base.encode(), sha256)).decode()
    return callback(body, content_digest=digest, signature_input=f"sig={COVERED}", signature=f"sig=:{mac}:")


def old(key: bytes = TOKEN.encode(), body: bytes = b"{}") -> Callback:
    return callback(body, x_sha2_signature=hmac.new(key, body, sha256).hexdigest())


@pytest.fixture
def vendor() -> FakeEntrust:
    return FakeEntrust()


def tokens(vendor: FakeEntrust) -> HookTokens:
    return HookTokens("idaas1", vendor.vault, vendor.clock)


def check(vendor: FakeEntrust, **changed: Any) -> DeliveryCheck:
    """Another instance of the bridge on the same store."""
    return DeliveryCheck(tokens(vendor), options(**changed))


@pytest.fixture
async def registered(vendor: FakeEntrust) -> None:
    await tokens(vendor).keep("user", "wh_1", URL, TOKEN)


@pytest.mark.usefixtures("registered")
async def test_both_schemes_are_accepted_by_every_instance(vendor: FakeEntrust) -> None:
    await check(vendor).check(old())
    await check(vendor).check(new())


@pytest.mark.usefixtures("registered")
async def test_after_the_newer_scheme_the_older_one_is_refused_everywhere(vendor: FakeEntrust) -> None:
    here, there = check(vendor), check(vendor)
    await there.check(old())
    await here.check(new())
    for copy in (here, there, check(vendor)):
        with pytest.raises(BadCallback, match="older scheme"):
            await copy.check(old())
    await here.check(new())


@pytest.mark.usefixtures("registered")
async def test_a_failing_newer_signature_is_final_even_beside_a_right_older_one(vendor: FakeEntrust) -> None:
    wrong = replace(old(), headers={**old().headers, **new(b"another key of some length").headers})
    with pytest.raises(BadCallback):
        await check(vendor).check(wrong)


@pytest.mark.usefixtures("registered")
async def test_the_form_of_the_key_is_learned_once_and_kept(vendor: FakeEntrust) -> None:
    await check(vendor).check(new(bytes(range(48))))
    assert next(iter(vendor.vault.kept.values()))["form"] == "base64"
    with pytest.raises(BadCallback):
        await check(vendor).check(new())
    await check(vendor).check(new(bytes(range(48))))


@pytest.mark.usefixtures("registered")
async def test_a_learned_form_is_not_stored_again(vendor: FakeEntrust) -> None:
    copy = check(vendor)
    await copy.check(new())
    vendor.vault.save = None  # type: ignore[assignment, method-assign]
    await copy.check(new())


@pytest.mark.usefixtures("registered")
async def test_the_options_can_fix_scheme_and_form(vendor: FakeEntrust) -> None:
    for fixed, good, bad in (
        ({"signature_scheme": "sha2"}, old(), new()),
        ({"signature_scheme": "rfc9421"}, new(), old()),
        ({"signature_key": "utf8"}, new(), new(bytes(range(48)))),
    ):
        with pytest.raises(BadCallback):
            await check(vendor, **fixed).check(bad)
        await check(vendor, **fixed).check(good)
        vendor.vault.kept.clear()
        await tokens(vendor).keep("user", "wh_1", URL, TOKEN)


async def test_without_a_token_every_delivery_is_refused_until_an_instance_has_registered_the_hook(
    vendor: FakeEntrust,
) -> None:
    copy = check(vendor)
    with pytest.raises(BadCallback, match="no token"):
        await copy.check(new())
    await tokens(vendor).keep("user", "wh_1", URL, TOKEN)
    await copy.check(new())


@pytest.mark.usefixtures("registered")
async def test_a_replaced_token_is_valid_a_little_longer_with_its_own_address(vendor: FakeEntrust) -> None:
    before, copy = "https://old.example/hooks/idaas1/user/token", check(vendor)
    await tokens(vendor).keep("user", "wh_2", before, "whsec_" + "b" * 48)
    await tokens(vendor).keep("user", "wh_3", URL, "whsec_" + "c" * 48)
    await copy.check(new(b"whsec_" + b"c" * 48))
    await copy.check(new(b"whsec_" + b"b" * 48, url=before))
    for gone in (new(b"whsec_" + b"b" * 48), new()):
        with pytest.raises(BadCallback):
            await copy.check(gone)
    vendor.clock.seconds += OVERLAP_SECONDS + 1
    with pytest.raises(BadCallback):
        await copy.check(new(b"whsec_" + b"b" * 48, url=before))
    await copy.check(new(b"whsec_" + b"c" * 48))


@pytest.mark.usefixtures("registered")
async def test_unsigned_deliveries_are_refused_unless_the_tenant_is_said_to_sign_nothing(vendor: FakeEntrust) -> None:
    with pytest.raises(BadCallback):
        await check(vendor).check(callback())
    lenient = check(vendor, require_signature=False)
    await lenient.check(callback())
    with pytest.raises(BadCallback):
        await lenient.check(old(b"another key of some length"))
    await lenient.check(old())
    with pytest.raises(BadCallback):
        await lenient.check(callback())


@pytest.mark.usefixtures("registered")
async def test_no_refusal_shows_the_token(vendor: FakeEntrust) -> None:
    for bad in (callback(), old(b"x" * 20), new(b"x" * 20)):
        with pytest.raises(BadCallback) as caught:
            await check(vendor).check(bad)
        assert caught.value.status == 401
        assert TOKEN not in str(caught.value)
        assert TOKEN[6:] not in repr(await tokens(vendor).known("user", again=True))


def said(name: str, **data: Any) -> dict[str, Any]:
    return {"id": EVENT, "type": name, "accountId": "a", "eventTime": "2026-01-15T10:00:00Z", "data": data}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("user.created", EventKind.CREATED),
        ("user.create", EventKind.CREATED),
        ("user.updated", EventKind.CHANGED),
        ("user.update", EventKind.CHANGED),
        ("user.deleted", EventKind.DELETED),
        ("user.delete", EventKind.DELETED),
        ("user.registration.completed", EventKind.CHANGED),
        ("user.something.new", EventKind.CHANGED),
    ],
)
def test_an_event_names_its_user(name: str, kind: EventKind) -> None:
    (event,) = decode(callback(said(name, entityType="USERS", entityId=USER, entityAttributes=[{"name": "x"}])))
    assert (event.system, event.entity, event.id, event.kind) == ("idaas1", "user", USER, kind)
    assert (event.vendor_id, event.origin) == (EVENT, Origin.WEBHOOK)
    assert event.source_at == datetime(2026, 1, 15, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("acting", "actor"),
    [
        ({"subjectName": "ops@x.example", "subjectType": "USER"}, "ops@x.example"),
        ({"subjectName": "HR import", "subjectType": "ADMIN_API"}, "application HR import"),
        ({"subjectName": "", "subjectType": "USER"}, None),
        ({"subject": USER}, None),
    ],
)
def test_an_event_names_the_administrator_or_application_that_acted(acting: dict[str, str], actor: str | None) -> None:
    (event,) = decode(callback(said("user.updated", entityType="USERS", entityId=USER, **acting)))
    assert event.actor == actor


def test_a_password_names_its_user_and_an_authenticator_does_not() -> None:
    (password,) = decode(callback(said("password.updated", entityType="USERPASSWORDS", entityId=USER)))
    assert (password.id, password.kind) == (USER, EventKind.CHANGED)
    (grid,) = decode(callback(said("grid.created", entityType="GRIDS", entityId=USER, subject=USER)))
    assert grid.id is None


def test_only_a_registration_is_about_the_one_who_acts() -> None:
    acting = {"subject": USER, "subjectType": "USER"}
    assert decode(callback(said("user.registration.completed", **acting)))[0].id == USER
    assert decode(callback(said("user.registration.completed", **{**acting, "subjectType": "ADMIN_API"})))[0].id is None
    for name in ("user.updated", "user.deleted", "user.created"):
        assert decode(callback(said(name, **acting)))[0].id is None


def test_the_test_delivery_names_no_record() -> None:
    assert decode(callback(said("user.created", test=True))) == []


@pytest.mark.parametrize(
    "when", ["2026-01-15T10:00:00.123Z", "2026-01-15T11:00:00.123+0100", "2026-01-15T10:00:00.123"]
)
def test_times_are_read_in_every_form_the_vendor_shows(when: str) -> None:
    (event,) = decode(callback({**said("user.updated", entityType="USERS", entityId=USER), "eventTime": when}))
    assert event.source_at == datetime(2026, 1, 15, 10, 0, 0, 123000, tzinfo=UTC)


@given(st.binary() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_bytes_give_a_hint(body: Any) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    assert [(event.entity, event.id) for event in decode(callback(raw))] == [("user", None)]


VALUES = st.none() | st.text() | st.integers() | st.lists(st.text()) | st.sampled_from(["USERS", "USER", USER])
NAMES = ("entityType", "entityId", "subject", "subjectType", "test")


@given(VALUES, VALUES, VALUES, st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)))
def test_any_values_give_events(event: Any, name: Any, when: Any, data: dict[str, Any]) -> None:
    for kind in (name, "user.deleted", "user.registration.completed"):
        (found,) = decode(callback({"id": event, "type": kind, "eventTime": when, "data": data}))
        assert found.id is None or found.id
        assert found.source_at is None or found.source_at.utcoffset() == timedelta(0)


def test_the_headers_alone_are_enough_to_refuse_an_unsigned_delivery_or_an_excluded_scheme(vendor: FakeEntrust) -> None:
    for signed in (old(), new()):
        check(vendor).check_head(replace(signed, body=b""))
    check(vendor, require_signature=False).check_head(callback())
    check(vendor, signature_scheme="sha2").check_head(old())
    for refused, options_of in (
        (callback(), {}),
        (new(), {"signature_scheme": "sha2"}),
        (old(), {"signature_scheme": "rfc9421"}),
    ):
        with pytest.raises(BadCallback):
            check(vendor, **options_of).check_head(refused)
