"""Tokens at rest: encrypted with a key from the instance secret."""

import pytest
from sqlalchemy import select

from bridge.domain.errors import ConfigError
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


async def test_another_instance_secret_is_told_in_plain_words(store: Store) -> None:
    await Tokens(store.database, FernetSeal(b"an instance secret")).save("erp1", TOKENS)
    with pytest.raises(ConfigError, match="instance_secret: is not the one"):
        await Tokens(store.database, FernetSeal(b"another secret")).check()


async def test_tokens_stored_before_encryption_are_still_read(store: Store) -> None:
    await store.tokens.save("erp1", TOKENS)
    assert await Tokens(store.database, FernetSeal(b"an instance secret")).load("erp1") == TOKENS
