"""What BottleCRM offers and what it cannot do. Facts: the package `django-crm`, 1.35."""

from bridge.connectors.bottlecrm.columns import RESOURCES
from bridge.domain.catalog import EntityManifest, Lookup, Manifest
from bridge.domain.values import replace

EVENTS = frozenset({"created", "changed", "deleted"})
FINE = 0.001

MANIFEST = Manifest(
    product="bottlecrm",
    entities={
        entity: EntityManifest(
            columns={column: each.spec for column, each in resource.properties.items()},
            events=EVENTS,
            read_lag=0.0,
            version_resolution=FINE if resource.dated else None,
            since=False,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset(resource.found_by),
            delete_evidence=False,
            custom=False,
        )
        for entity, resource in RESOURCES.items()
    },
    limits=(
        "No listing takes a time of change, and accounts and opportunities show none: every sweep reads all records"
        " and compares them.",
        "Hooks need an administrator's login, which no access token replaces; its refresh token is good once, so each"
        " new one is stored before it is used. Without it there are no hooks, and sweeps bring every change.",
        "The server takes callback addresses with https on port 443 and a public address only, and an organisation has"
        " at most 10 hooks.",
        "A hook is switched off by the server when its maker is no administrator any more, or after an answer of 410;"
        " the bridge switches it on again and sweeps.",
        "A hook's secret is shown once, when it is made; when it is lost it is exchanged for a new one.",
        "A callback carries no address and not every field, so the record is read.",
        "Names of accounts and e-mail addresses of contacts are unique in an organisation.",
        "A contact needs a first and a last name. A closed opportunity needs the day it was closed.",
        "Creates and updates are answered without the record, which is read again.",
        "Converted leads are in no listing.",
    ),
    not_yet=("custom fields", "line items of opportunities", "tags, teams and assignments", "tickets and invoices"),
)


def without_hooks() -> Manifest:
    """For options that name no administrator's login."""
    entities = {name: replace(entity, events=frozenset()) for name, entity in MANIFEST.entities.items()}
    return replace(MANIFEST, entities=entities)
