"""What BottleCRM offers and what it cannot do. Facts: the package `django-crm`, 1.35."""

from bridge.connectors.bottlecrm.columns import RESOURCES
from bridge.domain.catalog import EntityManifest, Lookup, Manifest
from bridge.domain.frozen import replace

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
        "Listings cannot be filtered by time of change, and accounts and opportunities show none: every sweep reads"
        " all records and compares them.",
        "A record names who created it, but not who changed it, so conflicts and histories cannot say that.",
        "Hooks need an administrator's login, which an access token cannot replace; its refresh token is valid once,"
        " so each new one is stored before it is used. Without it there are no hooks, and sweeps find every change.",
        "The server accepts callback addresses only with https on port 443 and a public address, and an organisation"
        " has at most 10 hooks.",
        "The server switches a hook off when its creator is no longer an administrator, or after the answer 410; the"
        " bridge switches it on again and runs a sweep.",
        "A hook's secret is shown only when it is created; a lost one is replaced by a new one.",
        "A callback contains no address and not every field, so the record is read.",
        "Names of accounts and e-mail addresses of contacts are unique in an organisation.",
        "A contact needs a first and a last name. A closed opportunity needs the day it was closed.",
        "The answers to creates and updates do not contain the record, so it is read again.",
        "Converted leads are in no listing.",
    ),
    not_yet=("custom fields", "line items of opportunities", "tags, teams and assignments", "tickets and invoices"),
)


def without_hooks() -> Manifest:
    """The manifest for options without an administrator's login."""
    entities = {name: replace(entity, events=frozenset()) for name, entity in MANIFEST.entities.items()}
    return replace(MANIFEST, entities=entities)
