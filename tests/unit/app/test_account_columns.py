"""Each account has its own columns, also when two accounts use the same product."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from bridge.app.columns import account_columns
from bridge.connectors.pipedrive.manifest import MANIFEST
from bridge.domain.catalog import Column, ColumnSpec
from bridge.domain.errors import RetryLater
from bridge.mapping.check import account_problems, check_live
from bridge.mapping.load import load_text

BETWEEN_TWO = """\
mapping: people
sides: {sales: pipedrive person, shop: pipedrive person}
match: [email]
conflict: sales
fields:
  name:  {sales: name, shop: name, required: true}
  email: {sales: emails.primary, shop: emails.primary, type: email}
  tier:  {sales: custom.Tier, shop: custom.Level}
"""
SETTINGS: Any = SimpleNamespace(
    sides={"sales": "crm1", "shop": "crm2", "outlet": "crm2"}, sync=SimpleNamespace(write_seconds=30)
)
PLAN: Any = SimpleNamespace(entities={"crm1": frozenset({"person"}), "crm2": frozenset({"person"})})


@dataclass
class Account:
    fields: tuple[str, ...]
    silent: bool = False

    async def columns(self, entity: str) -> dict[str, ColumnSpec]:
        if self.silent:
            raise RetryLater("crm2", "busy")
        return {f"custom.{name}": ColumnSpec(Column.TEXT) for name in self.fields}


def accounts(**changed: Any) -> Any:
    return {"crm1": Account(("Tier",)), "crm2": Account(("Level",), **changed)}


async def test_two_accounts_of_one_product_do_not_share_their_columns() -> None:
    columns, problems = await account_columns(SETTINGS, PLAN, accounts())
    assert not problems
    assert {key: list(found) for key, found in columns.items()} == {
        ("sales", "person"): ["custom.Tier"],
        ("shop", "person"): ["custom.Level"],
        ("outlet", "person"): ["custom.Level"],
    }
    mappings = load_text(BETWEEN_TWO, "people.yaml")
    manifests = {"pipedrive": MANIFEST}
    assert check_live(mappings, manifests, columns, SETTINGS.sides) == []
    assert account_problems(mappings[0], mappings, manifests, columns) == []


async def test_a_field_that_only_the_other_account_has_is_reported() -> None:
    columns, _ = await account_columns(SETTINGS, PLAN, accounts())
    (problem,) = check_live(
        load_text(BETWEEN_TWO.replace("Level", "Tier"), "people.yaml"), {"pipedrive": MANIFEST}, columns
    )
    assert "unknown field `custom.Tier` of pipedrive person" in str(problem)


async def test_an_unreachable_account_does_not_change_the_columns_of_the_other() -> None:
    columns, problems = await account_columns(SETTINGS, PLAN, accounts(silent=True))
    assert (list(columns), list(problems)) == ([("sales", "person")], ["crm2"])
