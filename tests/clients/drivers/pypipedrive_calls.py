"""The PyPI package pypipedrive-client: models over REST v2, and over REST v1 where v2 does not exist.

python -m drivers.pypipedrive_calls ADDRESS TOKEN
"""

import os
import sys
from typing import Any

from drivers.telling import Teller
from pypipedrive import models
from pypipedrive.api import V1, V2, Api


def main(address: str, token: str) -> None:
    os.environ["PIPEDRIVE_API_TOKEN"] = token
    teller = Teller(address)
    me = _users(teller, token)
    person, deal = _contacts(teller, Api(token, V2))
    _followers(teller, person, deal, me)
    _lines(teller, deal)
    _leads(teller, person)
    _lists(teller)
    _searches(teller, person)
    _ends(teller, person, deal)


def _users(teller: Teller, token: str) -> int:
    """The package has no model of users, so its plain calls are used."""
    found = teller.call("Api.get users/me", lambda: Api(token, V1).get("users/me").data, {"id": ..., "is_you": True})
    teller.call("Api.all deals", lambda: Api(token, V2).all("deals").data, ())
    teller.call("Api.get files", lambda: Api(token, V1).get("files"), status=404)
    return int(found["id"]) if found else 0


def _saved(teller: Teller, name: str, record: Any) -> Any:
    teller.call(f"{name}.save", lambda: {"id": record.save().id}, {"id": ...})
    return record


def _fields(record: Any) -> Any:
    return record.to_record()["fields"]


def _contacts(teller: Teller, plain: Api) -> tuple[Any, Any]:
    """The models of persons and deals cannot be saved: they treat `custom_fields` as a list, which it never is."""
    org = _saved(teller, "Organizations", models.Organizations(name="Acme"))
    teller.call("Organizations.get", lambda: _fields(models.Organizations.get(org.id)), {"name": "Acme"})
    emails = [{"value": "ana@x.example", "label": "work", "primary": True}]
    shown = {"name": "Ana Lind", "last_name": "Lind", "emails": ({"value": "ana@x.example"},)}
    body = {"name": "Ana Lind", "emails": emails}
    made = teller.call("Api.post persons", lambda: plain.post("persons", json=body).data, shown) or {"id": 0}
    teller.call("Persons.get", lambda: _fields(models.Persons.get(made["id"])), shown)
    person = models.Persons.get(made["id"])
    person.name = "Ana Berg"
    teller.call("Persons.save (change)", lambda: {"updated": person.save().updated}, {"updated": True})
    teller.call("Persons.all", lambda: [_fields(one) for one in models.Persons.all()], ({"name": "Ana Berg"},))
    teller.call("Persons.changelog", lambda: len(person.changelog()) > 0, True)
    teller.call("Persons.flow", lambda: len(person.flow()) > 0, True)
    body = {"title": "Ten pumps", "value": 100, "currency": "EUR", "person_id": person.id}
    made = teller.call("Api.post deals", lambda: plain.post("deals", json=body).data, body) or {"id": 0}
    deal = models.Deals.get(made["id"])
    teller.call("Deals.get", lambda: _fields(models.Deals.get(deal.id)), {"title": "Ten pumps", "value": 100})
    newest = {"sort_by": "update_time", "sort_direction": "desc"}
    teller.call("Deals.all", lambda: [_fields(one) for one in models.Deals.all(params=newest)], ({"id": deal.id},))
    activity = _saved(teller, "Activities", models.Activities(subject="Ring Ana", type="call", deal_id=deal.id))
    teller.call("Activities.get", lambda: _fields(models.Activities.get(activity.id)), {"subject": "Ring Ana"})
    teller.call("Activities.all done", lambda: models.Activities.all(params={"done": "true"}), ())
    return person, deal


def _followers(teller: Teller, person: Any, deal: Any, me: int) -> None:
    for name, record in (("Persons", person), ("Deals", deal)):
        teller.call(f"{name}.add_follower", lambda record=record: record.add_follower(me)["data"], {"user_id": me})
        teller.call(f"{name}.followers", lambda record=record: len(record.followers()) > 0, True)
        teller.call(f"{name}.followers_changelog", lambda record=record: len(record.followers_changelog()) > 0, True)
        teller.call(
            f"{name}.delete_follower", lambda record=record: record.delete_follower(me)["data"], {"user_id": me}
        )
        teller.call(f"{name}.permitted_users", lambda record=record: len(record.permitted_users()) > 0, True)


def _lines(teller: Teller, deal: Any) -> None:
    product = _saved(teller, "Products", models.Products(name="Pump", code="P-1"))
    teller.call("Products.get", lambda: _fields(models.Products.get(product.id)), {"name": "Pump", "code": "P-1"})
    line = {"product_id": product.id, "item_price": 10, "quantity": 3}
    teller.call("Deals.add_product_bulk", lambda: deal.add_product_bulk([line])["data"], ({"sum": 30},))
    teller.call("Deals.products", lambda: len(deal.products()), 1)
    teller.call("Deals.discounts", lambda: len(deal.discounts()) >= 0, True)
    teller.call("Products.variations", lambda: len(product.variations()) >= 0, True)
    teller.call("Products.duplicate", lambda: _fields(product.duplicate()), {"name": "Pump"})


def _leads(teller: Teller, person: Any) -> None:
    label = _saved(teller, "LeadLabels", models.LeadLabels(name="Fair", color="green"))
    teller.call("LeadLabels.all", lambda: label.id in [one.id for one in models.LeadLabels.all()], True)
    lead = _saved(teller, "Leads", models.Leads(title="Fair visitor", person_id=person.id))
    teller.call("Leads.get", lambda: _fields(models.Leads.get(lead.id)), {"title": "Fair visitor"})
    teller.call("Leads.all", lambda: [one.id for one in models.Leads.all()], (lead.id,))
    teller.call("LeadSources.all", lambda: "API" in [one.name for one in models.LeadSources.all()], True)


def _lists(teller: Teller) -> None:
    kind = _saved(teller, "ActivityTypes", models.ActivityTypes(name="Site visit", icon_key="car"))
    teller.call("ActivityTypes.all", lambda: kind.id in [one.id for one in models.ActivityTypes.all()], True)
    teller.call("Currencies.all", lambda: [one.code for one in models.Currencies.all(term="eur")], ("EUR",))
    teller.call("Filters.all", lambda: models.Filters.all(), ())
    teller.call("Pipelines.all", lambda: [one.name for one in models.Pipelines.all()], ("Sales",))
    teller.call("Stages.all", lambda: [one.name for one in models.Stages.all()], ["Qualified"])
    for name in ("DealFields", "ActivityFields", "LeadFields", "OrganizationFields", "ProductFields"):
        model = getattr(models, name)
        teller.call(f"{name}.all", lambda model=model: len(model.all()) > 2, True)
    made = models.PersonFields(field_name="Region", field_type="varchar")
    teller.call("PersonFields.save", lambda: made.save().created, True)
    teller.call("PersonFields.all", lambda: "Region" in [one.field_name for one in models.PersonFields.all()], True)


def _searches(teller: Teller, person: Any) -> None:
    """Search for one word: the package encodes the term twice, so that a space does not arrive as one."""

    def items(found: Any) -> list[Any]:
        return [item["item"]["id"] for one in found for item in one.to_record()["fields"]["items"]]

    asked = {"term": "berg", "item_types": ["person"]}
    teller.call("ItemSearch.search", lambda: items(models.ItemSearch.search(**asked, params={})), (person.id,))
    by_field = {"term": "Acme", "entity_type": "organization", "field": "name"}
    teller.call(
        "ItemSearch.search_field", lambda: models.ItemSearch.search_field(**by_field, params={}), ({"name": "Acme"},)
    )


def _ends(teller: Teller, person: Any, deal: Any) -> None:
    for name, record in (("Deals", deal), ("Persons", person)):
        teller.call(f"{name}.delete", lambda record=record: record.delete(), True)


if __name__ == "__main__":
    main(*sys.argv[1:])
