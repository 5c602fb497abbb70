"""Accounts that survive a restart of their simulator, and fields and options that a person adds to them."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.cli.sandbox import EXAMPLES
from bridge.simulators.keeping import NotKept
from bridge.simulators.serve import PRODUCTS, serving, simulator

FIELDS = {
    "pipedrive": ("deals", "varchar", "enum"),
    "deskera": ("contacts", "NUMBER", "DROPDOWN"),
    "superoffice": ("contact", "Number", "List"),
    "entrust": ("users", "NONE", ""),
}
"""By product: an entity, and the types of a field without and with options. Other products have no custom fields."""
SECOND = {"entrust": {"userId": "bo@acme.example"}, "bottlecrm": {"name": "Bo"}}
"""Columns in which a second record must differ from the first."""


async def call(url: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        asked = session.get if body is None else session.post
        more = {} if body is None else {"json": body}
        async with asked(f"{url}/_control/{path}", **more) as answer:
            return answer.status, await answer.json()


def test_every_product_has_its_own_port_and_credentials() -> None:
    assert len({product.port for product in PRODUCTS.values()}) == len(PRODUCTS)
    for product in PRODUCTS.values():
        assert all(f"{{env: {name}}}" in product.options("http://x") for name in product.secrets)
        assert product.options("http://x").count("env:") == len(product.secrets)


@pytest.mark.parametrize("name", sorted(PRODUCTS))
async def test_an_account_is_unchanged_after_a_restart_and_continues(name: str, tmp_path: Path) -> None:
    file, (entity, body) = tmp_path / "account", EXAMPLES[name]
    async with serving(simulator(name, 1, file)) as url:
        status, made = await call(url, f"records/{entity}", json.loads(body))
        assert status == 201, made
        if name in FIELDS:
            assert (await call(url, f"fields/{FIELDS[name][0]}", {"name": "Region"}))[0] == 201
        _, before = await call(url, "state")
    async with serving(simulator(name, 2, file)) as url:
        _, after = await call(url, "state")
        assert after == before
        more = {**json.loads(body), **SECOND.get(name, {})}
        status, second = await call(url, f"records/{entity}", more)
        assert (status, second["id"] != made["id"]) == (201, True)


@pytest.mark.parametrize(("name", "entity"), [("pipedrive", "persons"), ("deskera", "contacts")])
async def test_a_population_is_saved_as_well(name: str, entity: str, tmp_path: Path) -> None:
    file = tmp_path / "account"
    async with serving(simulator(name, 1, file)) as url:
        assert (await call(url, f"population/{entity}", {"count": 20}))[0] < 300
        _, before = await call(url, "state")
    async with serving(simulator(name, 2, file)) as url:
        assert await call(url, "state") == (200, before)
    assert str(before).count("Inhabitant 00000") == 20


@pytest.mark.parametrize("name", sorted(PRODUCTS.keys() - FIELDS.keys()))
async def test_a_product_without_custom_fields_says_so(name: str) -> None:
    async with serving(simulator(name, 1)) as url:
        assert (await call(url, f"fields/{EXAMPLES[name][0]}", {"name": "Region"}))[0] == 400


@pytest.mark.parametrize("name", sorted(FIELDS))
async def test_fields_and_options_can_be_added(name: str) -> None:
    entity, plain, chosen = FIELDS[name]
    async with serving(simulator(name, 1)) as url:
        assert (await call(url, f"fields/{entity}", {"name": "Size", "type": plain}))[0] == 201
        status, made = await call(url, f"fields/{entity}", {"name": "Region", "options": ["North"]})
        added, field = await call(url, f"options/{entity}/Region", {"options": ["South", "West"]})
        if not chosen:
            assert (status, added) == (400, 400)
            assert "no options to choose from" in made["error"]
            return
        assert (status, added) == (201, 201)
        assert chosen in json.dumps(made)
        assert "South" in json.dumps(field)
        assert (await call(url, f"options/{entity}/Nothing", {"options": ["x"]}))[0] == 404
        assert (await call(url, "fields/nothing", {"name": "x"}))[0] == 404
        assert (await call(url, f"fields/{entity}", {"type": plain}))[0] == 400
        assert (await call(url, f"fields/{entity}", {"name": "x", "options": [1]}))[0] == 400


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("made-by-a-file",)


@pytest.mark.parametrize("content", [b"", b"no account", pickle.dumps({"product": "deskera"}), pickle.dumps(Evil())])
def test_a_file_that_holds_no_account_of_the_product_is_refused_and_nothing_in_it_runs(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "account").write_bytes(content)
    with pytest.raises(NotKept, match="account"):
        simulator("pipedrive", 1, tmp_path / "account")
    assert [path.name for path in tmp_path.iterdir()] == ["account"]
