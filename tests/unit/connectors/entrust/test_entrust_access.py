"""A token is fetched once for all callers, and renewed before its end and when it is refused; the meaning of errors."""

import asyncio

import pytest
from entrust_fakes import SECRET, SIGN_IN, FakeEntrust, options, refusal
from http_fakes import answer
from pydantic import ValidationError

from bridge.connectors.calls import Call
from bridge.connectors.entrust.client import EntrustClient
from bridge.connectors.protocols import TransportFailed
from bridge.domain.errors import NeedsAuthorisation, RateLimited, Rejected, RetryLater, Unreachable

GROUPS = "GET v1/groups"


@pytest.fixture
def vendor() -> FakeEntrust:
    return FakeEntrust(replies={GROUPS: answer(200, []), "POST v4/userspaged": answer(200, {"results": []})})


async def ask(client: EntrustClient, times: int = 1) -> None:
    await asyncio.gather(*(client.rows("v1/groups") for _ in range(times)))


async def test_calls_at_the_same_time_sign_in_once_and_show_the_bare_token(vendor: FakeEntrust) -> None:
    await ask(EntrustClient(vendor.construction()), 5)
    assert vendor.sent(SIGN_IN) == [{"applicationId": "app-1", "sharedSecret": SECRET}]
    shown = {request.headers["authorization"] for request in vendor.requests if vendor.name(request) == GROUPS}
    assert shown == {"token-1"}


async def test_the_token_can_be_shown_as_a_bearer_token(vendor: FakeEntrust) -> None:
    vendor.once[GROUPS] = [answer(200, [])]
    await ask(EntrustClient(vendor.construction(token_prefix="Bearer ")))
    assert vendor.requests[-1].headers["authorization"] == "Bearer token-1"


@pytest.mark.parametrize(("life", "renewed"), [(900.0, 720.0), (100.0, 50.0), (3600.0, 2880.0), (4.0, 2.0)])
async def test_a_token_is_renewed_before_its_own_end(vendor: FakeEntrust, life: float, renewed: float) -> None:
    vendor.life, client = life, EntrustClient(vendor.construction())
    await ask(client)
    vendor.clock.seconds = renewed - 1
    await ask(client)
    assert len(vendor.tokens) == 1
    vendor.clock.seconds = renewed + 1
    await ask(client)
    assert len(vendor.tokens) == 2


async def test_a_token_is_renewed_after_a_day_whatever_its_expiry(vendor: FakeEntrust) -> None:
    vendor.life, client = 315_360_000.0, EntrustClient(vendor.construction())
    await ask(client)
    vendor.clock.seconds = 24 * 3600
    await ask(client)
    assert len(vendor.tokens) == 2


async def test_a_token_without_readable_times_is_used_for_a_few_minutes(vendor: FakeEntrust) -> None:
    client = EntrustClient(vendor.construction())
    vendor.tokens.append("odd")
    vendor.once[SIGN_IN] = [answer(200, {"authToken": "odd", "expirationTime": "soon"})]
    await ask(client)
    vendor.clock.seconds = 241
    await ask(client)
    assert vendor.tokens[-1] == "token-2"


async def test_a_refused_token_is_renewed_once_for_all_who_wait(vendor: FakeEntrust) -> None:
    client = EntrustClient(vendor.construction())
    await ask(client)
    vendor.expire()
    await ask(client, 5)
    assert len(vendor.sent(SIGN_IN)) == 2


async def test_a_token_refused_after_two_renewals_needs_a_person(vendor: FakeEntrust) -> None:
    vendor.replies[GROUPS] = refusal(401, "no such token")
    with pytest.raises(NeedsAuthorisation, match="no such token"):
        await ask(EntrustClient(vendor.construction()))
    assert len(vendor.sent(SIGN_IN)) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refused_secret_needs_a_person_and_is_not_shown(vendor: FakeEntrust, status: int) -> None:
    vendor.once[SIGN_IN] = [refusal(status, "unknown application")]
    with pytest.raises(NeedsAuthorisation, match="unknown application") as caught:
        await ask(EntrustClient(vendor.construction()))
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(vendor.requests)


async def test_an_answer_without_a_token_is_tried_again_later(vendor: FakeEntrust) -> None:
    vendor.once[SIGN_IN] = [answer(200, {"authToken": ""})]
    with pytest.raises(RetryLater):
        await ask(EntrustClient(vendor.construction()))


async def test_a_sign_in_that_is_down_is_not_a_bad_credential(vendor: FakeEntrust) -> None:
    vendor.once[SIGN_IN] = [TransportFailed("refused", sent=False)] * 3
    with pytest.raises(Unreachable):
        await ask(EntrustClient(vendor.construction()))


async def test_a_missing_right_to_list_users_stops_the_system_and_any_other_right_only_the_call(
    vendor: FakeEntrust,
) -> None:
    client = EntrustClient(vendor.construction())
    vendor.replies["POST v4/userspaged"] = vendor.replies[GROUPS] = refusal(403, "USERS:VIEW required")
    with pytest.raises(NeedsAuthorisation, match="USERS:VIEW required"):
        await client.page("v4/userspaged", {})
    with pytest.raises(Rejected) as caught:
        await ask(client)
    assert caught.value.status == 403


async def test_an_error_in_an_answer_of_200_is_an_error(vendor: FakeEntrust) -> None:
    vendor.replies[GROUPS] = refusal(200, "not like this", "bad_request")
    with pytest.raises(Rejected, match=r"not like this \(bad_request\)"):
        await ask(EntrustClient(vendor.construction()))


async def test_all_calls_respect_a_limit(vendor: FakeEntrust) -> None:
    vendor.once[GROUPS] = [answer(429, {"errorMessage": "slow"}, retry_after="7")]
    client = EntrustClient(vendor.construction())
    with pytest.raises(RateLimited) as caught:
        await ask(client)
    assert caught.value.after_seconds == 7
    sent = len(vendor.requests)
    with pytest.raises(RateLimited):
        await client.page("v4/userspaged", {})
    assert len(vendor.requests) == sent


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"results": {}}'])
async def test_a_page_of_another_shape_is_tried_again_later(vendor: FakeEntrust, body: bytes) -> None:
    vendor.replies["POST v4/userspaged"] = answer(200, body)
    with pytest.raises(RetryLater):
        await EntrustClient(vendor.construction()).page("v4/userspaged", {})


async def test_calls_are_below_the_tenants_address(vendor: FakeEntrust) -> None:
    client = EntrustClient(vendor.construction(base_url="https://acme.us.trustedauth.com/"))
    await client.send(Call("GET", "v1/groups"))
    assert {request.url.partition("/api/web/")[0] for request in vendor.requests} == {"https://acme.us.trustedauth.com"}


def test_options_say_what_is_wrong_without_showing_the_secret() -> None:
    assert SECRET not in repr(options())
    for wrong in (
        {"base_url": "acme.us.trustedauth.com"},
        {"page_size": 101},
        {"signature_scheme": "md5"},
        {"more": 1},
    ):
        with pytest.raises(ValidationError) as caught:
            options(**wrong)
        assert SECRET not in str(caught.value)


def test_users_are_not_created_deleted_or_mailed_unless_the_options_say_so() -> None:
    chosen = options()
    quiet = (chosen.registration_required, chosen.verification_required, chosen.email_verification)
    assert (chosen.create_users, chosen.delete_users, quiet) == (False, False, (False, False, False))
