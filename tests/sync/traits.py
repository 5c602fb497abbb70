"""The subjects of a storm: two mappings with references between their records, and products with different traits."""

import random

from bridge.domain.catalog import Lookup
from tests.clock import FakeClock
from tests.product import FakeProduct, manifest

MAPPINGS = """
mapping: companies
sides: {crm: fake company, erp: fake company}
direction: both
creates: [crm, erp]
match: [name]
conflict: crm
deleted: {crm: delete, erp: unlink}
fields:
  name: {crm: name, erp: name}
  notes: {crm: notes, erp: notes}
---
mapping: people
sides: {crm: fake person, erp: fake person}
direction: both
creates: [crm, erp]
match: [email]
conflict: crm
deleted: {crm: delete, erp: unlink}
fields:
  name:  {crm: name, erp: name}
  email: {crm: email, erp: email, type: email}
  phone: {crm: phone, erp: phone}
  notes: {crm: notes, erp: notes, conflict: "newest, else crm"}
  company: {crm: company_id, erp: company_id, link: companies}
"""


def cut(text: str) -> str:
    """Return what a server keeps that stores nine characters of every field except keys."""
    return text if "@" in text or text.startswith("Company") else text[:9].strip()


def new_product(system: str, clock: FakeClock, chance: random.Random) -> FakeProduct:
    """Return a product with random traits: versions, lag, answers, what it shows of deletes, a search."""
    read_lag = 2.0
    made = FakeProduct(
        system,
        clock,
        manifest=manifest(
            read_lag=read_lag,
            version_resolution=chance.choice((1.0, 1.0, None)),
            lookup=chance.choice((Lookup.NONE, Lookup.EXACT)),
            lookup_columns=frozenset({"email", "name"}),
            whole_record=chance.random() < 0.3,
        ),
        lag=chance.choice((0.0, 0.5, 1.8)),
        answers_record=chance.random() < 0.6,
        hard_delete=chance.random() < 0.3,
    )
    if system == "erp" and chance.random() < 0.4:
        made.trim = cut
    return made
