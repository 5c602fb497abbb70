"""Stored tokens are encrypted with a key from the instance secret."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bridge.domain.errors import ConfigError, StoreUnavailable
from bridge.store import Store
from bridge.store.seal import FernetSeal
from bridge.store.tables import tokens
from bridge.store.tokens import Tokens

TOKENS = {"access_token": "very-secret-access", "refresh_token": "very-secret-refresh"}


async def test_promise_15_tokens_are_encrypted_at_rest_and_come_back(store: Store) -> None:
    sealed = Tokens(store.database, FernetSeal(b"an instance secret"))
    await sealed.save("erp1", TOKENS)
    raw = str(await store.database.read(lambda conn: conn.scalar(select(tokens.c.sealed))))
    assert "very-secret" not in raw
    assert await sealed.load("erp1") == TOKENS


async def test_another_instance_secret_is_reported_in_plain_words(store: Store) -> None:
    await Tokens(store.database, FernetSeal(b"an instance secret")).save("erp1", TOKENS)
    with pytest.raises(ConfigError, match="instance_secret: is not the secret"):
        await Tokens(store.database, FernetSeal(b"another secret")).check()


async def test_tokens_stored_before_encryption_are_still_read(store: Store) -> None:
    await store.tokens.save("erp1", TOKENS)
    assert await Tokens(store.database, FernetSeal(b"an instance secret")).load("erp1") == TOKENS


async def test_newly_issued_tokens_are_kept_until_the_store_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former refresh token may be invalid already: if the new one is lost, a person must consent again."""
    write, tries = store.database.write, 0

    async def comes_back(*arguments: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise StoreUnavailable("connection refused")
        return await write(*arguments)

    monkeypatch.setattr(store.database, "write", comes_back)
    await store.tokens.save("erp1", TOKENS)
    assert tries == 4
    assert await store.tokens.load("erp1") == TOKENS


async def test_a_renewal_whose_caller_gave_up_is_stored_all_the_same(store: Store) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def renew() -> None:
        asked.set()
        await answered.wait()
        await store.tokens.save("erp1", TOKENS)

    caller = asyncio.create_task(store.tokens.exclusive("erp1", renew))
    await asked.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    answered.set()
    await store.tokens.exclusive("erp1", _nothing)  # it takes its turn after the running one
    assert await store.tokens.load("erp1") == TOKENS


async def _nothing() -> None:
    return None


async def test_tokens_of_a_former_secret_are_opened_and_sealed_again(store: Store) -> None:
    """Promise 15: afterwards only the new secret opens them, and the former one opens nothing."""
    former, new = FernetSeal(b"an instance secret"), FernetSeal(b"a new secret")
    both = Tokens(store.database, FernetSeal(b"a new secret", b"an instance secret"))
    await Tokens(store.database, former).save("erp1", TOKENS)
    await both.check()
    assert await both.load("erp1") == TOKENS
    assert (await both.reseal(), await both.reseal()) == (1, 0)
    assert await Tokens(store.database, new).load("erp1") == TOKENS
    with pytest.raises(ConfigError, match="instance_secret_former"):
        await Tokens(store.database, former).check()
