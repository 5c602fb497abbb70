"""Tokens of Deskera: renewed once, stored before use, both OAuth generations."""

import asyncio
from collections.abc import Mapping

import pytest
from deskera_fakes import START, FakeDeskera, contact, jwt
from http_fakes import FakeClock, MemoryVault, answer

from bridge.connectors.protocols import TransportFailed
from bridge.domain.errors import NeedsAuthorisation, RetryLater
from bridge.domain.record import Gone, Record, RecordRef

REF = RecordRef("erp1", "crm_contact", "3")
NOW = int(START.timestamp())


@pytest.fixture
def fake(clock: FakeClock) -> FakeDeskera:
    return FakeDeskera(clock, contacts={3: contact(3)})


def token_calls(fake: FakeDeskera) -> int:
    return sum(each.url.endswith("/oauth/token") for each in fake.requests)


async def test_401_renews_once_for_all_who_wait(fake: FakeDeskera) -> None:
    connector = fake.connector(access_token="old", at_once=4)
    found = await asyncio.gather(*(connector.read(REF) for _ in range(4)))
    assert all(isinstance(each, Record) for each in found)
    assert token_calls(fake) == 1


async def test_write_is_repeated_after_a_401(fake: FakeDeskera) -> None:
    written = await fake.connector(access_token="old").create("crm_contact", {"type": "person", "name": "x"})
    assert fake.contacts[int(written.id)]["name"] == "x"


async def test_token_is_renewed_five_minutes_before_its_exp(fake: FakeDeskera, clock: FakeClock) -> None:
    fake.access = jwt(exp=NOW + 3600)
    connector = fake.connector()
    clock.seconds = 3299
    await connector.read(REF)
    assert token_calls(fake) == 0
    clock.seconds = 3301
    await connector.read(REF)
    assert token_calls(fake) == 1


@pytest.mark.parametrize("exp", [NOW + 315_360_000, 10**400])
async def test_a_token_is_renewed_within_a_day_whatever_its_expiry(
    fake: FakeDeskera, clock: FakeClock, exp: int
) -> None:
    fake.access = jwt(exp=exp)
    connector = fake.connector()
    await connector.read(REF)
    assert token_calls(fake) == 0
    clock.seconds = 24 * 3600
    await connector.read(REF)
    assert token_calls(fake) == 1


async def test_an_expiry_too_early_for_a_date_means_renewal(fake: FakeDeskera) -> None:
    await fake.connector(access_token=jwt(exp=-(10**400))).read(REF)
    assert token_calls(fake) == 1


async def test_token_without_exp_is_renewed_after_fifty_minutes(fake: FakeDeskera, clock: FakeClock) -> None:
    connector = fake.connector()
    clock.seconds = 2999
    await connector.read(REF)
    assert token_calls(fake) == 0
    clock.seconds = 3001
    await connector.read(REF)
    assert token_calls(fake) == 1


async def test_new_refresh_token_is_stored_before_the_access_token_is_used(fake: FakeDeskera) -> None:
    stored_when_used: list[Mapping[str, str]] = []

    class Watching(MemoryVault):
        async def save(self, credential: str, tokens: Mapping[str, str]) -> None:
            assert fake.requests[-1].url.endswith("/oauth/token")
            stored_when_used.append(tokens)
            await super().save(credential, tokens)

    fake.vault = Watching()
    await fake.connector(access_token="old").read(REF)
    assert [each["refresh_token"] for each in stored_when_used] == ["r2"]


async def test_failing_store_keeps_the_new_token_unused(fake: FakeDeskera) -> None:
    class Broken(MemoryVault):
        async def save(self, credential: str, tokens: Mapping[str, str]) -> None:
            raise OSError("disk full")

    fake.vault = Broken()
    with pytest.raises(OSError, match="disk full"):
        await fake.connector(access_token="old").read(REF)
    assert fake.requests[-1].url.endswith("/oauth/token")


async def test_another_instance_uses_the_token_that_the_first_one_renewed(fake: FakeDeskera) -> None:
    first, second = fake.connector(access_token="old"), fake.connector(access_token="old")
    await first.read(REF)
    await second.read(REF)
    assert token_calls(fake) == 1


async def test_stored_tokens_are_used_after_a_restart(fake: FakeDeskera) -> None:
    await fake.connector(access_token="old", refresh_token="r1").read(REF)
    await fake.connector(access_token="old", refresh_token="r1").read(REF)
    assert token_calls(fake) == 1


async def test_new_tokens_in_the_settings_replace_the_stored_ones(fake: FakeDeskera) -> None:
    await fake.connector(access_token="old", refresh_token="r1").read(REF)
    fake.refresh, fake.access = "r50", jwt(mark="given")
    await fake.connector().read(REF)
    assert token_calls(fake) == 1


async def test_refresh_token_alone_is_enough(fake: FakeDeskera) -> None:
    assert isinstance(await fake.connector(access_token=None).read(REF), Record)


async def test_access_token_alone_needs_a_person_once_it_is_refused(fake: FakeDeskera) -> None:
    connector = fake.connector(refresh_token=None)
    assert isinstance(await connector.read(REF), Record)
    fake.access = "another"
    with pytest.raises(NeedsAuthorisation):
        await connector.read(REF)


@pytest.mark.parametrize("status", [400, 401])
async def test_refused_refresh_needs_a_person(fake: FakeDeskera, status: int) -> None:
    fake.special["POST /v2/oauth/token"] = [answer(status, {"error_description": "void"})]
    with pytest.raises(NeedsAuthorisation, match="void"):
        await fake.connector(access_token="old").read(REF)


async def test_missing_parameters_are_sent_again_as_a_form(fake: FakeDeskera) -> None:
    fake.special["POST /v2/oauth/token"] = [
        answer(400, {"error_description": "Required String parameter 'grant_type' is not present"}),
        answer(200, {"access_token": fake.access, "refresh_token": "r2"}),
    ]
    await fake.connector(access_token="old").read(REF)
    calls = [each for each in fake.requests if each.url.endswith("/oauth/token")]
    assert calls[1].body == b"grant_type=refresh_token&refresh_token=r1"
    assert not calls[1].query


async def test_server_error_while_renewing_is_tried_later_and_never_an_unknown_outcome(fake: FakeDeskera) -> None:
    fake.special["POST /v2/oauth/token"] = [answer(503)]
    with pytest.raises(RetryLater):
        await fake.connector(access_token="old").create("crm_contact", {"type": "person", "name": "x"})


async def test_lost_token_answer_is_no_unknown_outcome_of_the_write(fake: FakeDeskera) -> None:
    class Losing(FakeDeskera):
        async def send(self, request):  # type: ignore[no-untyped-def]
            if request.url.endswith("/oauth/token"):
                raise TransportFailed("no answer", sent=True)
            return await super().send(request)

    with pytest.raises(RetryLater):
        await Losing(fake.clock).connector(access_token="old").create("crm_contact", {"type": "person", "name": "x"})


async def test_404_on_the_token_path_falls_back_to_v1_and_remembers(fake: FakeDeskera) -> None:
    fake.token_paths = ("/oauth/token",)
    connector = fake.connector(access_token="old")
    assert isinstance(await connector.read(REF), Record)
    fake.access = "revoked"
    assert isinstance(await connector.read(RecordRef("erp1", "crm_contact", "99")), Gone)
    paths = [each.url.rpartition(".example")[2] for each in fake.requests if each.url.endswith("/oauth/token")]
    assert paths == ["/v2/oauth/token", "/oauth/token", "/oauth/token"]


async def test_v1_renewal_call_is_used_where_there_is_no_token_path(fake: FakeDeskera) -> None:
    fake.token_paths = ()
    renewed, before = jwt(mark="new"), jwt(mark="old")
    path = "/v1/iam/auth/app/getrefreshtoken"
    fake.special[f"POST {path}"] = [answer(200, {"accessToken": renewed, "refreshToken": "r2", "expiresIn": 9})]
    fake.access = renewed
    assert isinstance(await fake.connector(access_token=before).read(REF), Record)
    assert fake.bodies("POST", path) == [{"refreshToken": "r1", "userName": "5:77", "tenantId": "77"}]
    assert [each["refresh_token"] for each in fake.vault.kept.values()] == ["r2"]


async def test_after_all_token_paths_failed_the_first_one_is_tried_again(fake: FakeDeskera) -> None:
    known, fake.token_paths = fake.token_paths, ()
    fake.special["POST /v1/iam/auth/app/getrefreshtoken"] = [answer(404)]
    connector = fake.connector(access_token="old")
    with pytest.raises(RetryLater):
        await connector.read(REF)
    fake.token_paths = known
    assert isinstance(await connector.read(REF), Record)


async def test_refused_v1_renewal_call_needs_a_person(fake: FakeDeskera) -> None:
    fake.token_paths = ()
    fake.special["POST /v1/iam/auth/app/getrefreshtoken"] = [answer(401, {"errorMessage": "void"})]
    with pytest.raises(NeedsAuthorisation, match="void"):
        await fake.connector(access_token="old").read(REF)


async def test_401_with_a_token_renewed_twice_needs_a_person(fake: FakeDeskera) -> None:
    fake.special["GET /v1/crm/contacts/3"] = [answer(401, {"errorMessage": "no"})] * 3
    with pytest.raises(NeedsAuthorisation):
        await fake.connector().read(REF)


async def test_identity_is_the_tenant_of_the_token(fake: FakeDeskera) -> None:
    found = await fake.connector().identity()
    assert (found.key, found.user) == ("77", "5")


async def test_identity_comes_from_a_contact_when_the_token_is_opaque(fake: FakeDeskera) -> None:
    fake.access = "opaque"
    assert (await fake.connector().identity()).key == "77"


async def test_probe_on_a_server_without_validation_asks_for_a_contact(fake: FakeDeskera) -> None:
    fake.special["GET /v1/iam/token/app/validate"] = [answer(404)]
    await fake.connector().probe()
    assert fake.sent("GET", "/v1/crm/contacts")


async def test_secrets_are_in_no_text(fake: FakeDeskera) -> None:
    fake.special["POST /v2/oauth/token"] = [answer(401, {"error": "x"})]
    connector = fake.connector(access_token="old-secret", refresh_token="r-secret")
    with pytest.raises(NeedsAuthorisation) as refused:
        await connector.read(REF)
    shown = str(refused.value) + "".join(map(repr, fake.requests))
    assert not any(secret in shown for secret in ("old-secret", "r-secret", "cl_priv_1"))
