"""What SuperOffice offers and what it cannot do.

Sources: the vendor's OpenAPI description of REST v1; pages "Webhooks", "Webhook events", "Soft delete",
"Best practices".
"""

from bridge.connectors.superoffice.columns import RESOURCES, Resource
from bridge.domain.catalog import Column, EntityManifest, Lookup, Manifest

# The vendor stores these in separate tables: an edit raises no event, and may not change the record's own row.
_DEPENDENT_TYPES = (Column.VALUES, Column.OBJECT)
_DEPENDENT_TEXTS = frozenset({"description", "sale_text", "postit", "agenda", "internal_notes"})

VERB_KINDS = {"created": "created", "changed": "changed", "deleted": "deleted", "softdeleted": "deleted"}


def _unversioned(resource: Resource) -> frozenset[str]:
    found = {
        column
        for column, each in resource.properties.items()
        if each.spec.type in _DEPENDENT_TYPES or column in _DEPENDENT_TEXTS
    }
    return frozenset(found | ({"custom"} if resource.custom else set()))


def _entity(resource: Resource) -> EntityManifest:
    return EntityManifest(
        columns={column: each.spec for column, each in resource.properties.items()},
        events=frozenset(VERB_KINDS[verb] for verb in resource.verbs),
        version_resolution=1.0 if resource.dated else None,
        unversioned=_unversioned(resource) if resource.dated else frozenset(),
        shows_new=resource.dated,
        lookup=Lookup.LAGGING if resource.found_by else Lookup.NONE,
        lookup_columns=frozenset(resource.found_by) | ({"custom"} if resource.custom_found_by else frozenset()),
        whole_record=not resource.patched,
        delete_evidence=resource.hook is not None,
        custom=resource.custom,
    )


MANIFEST = Manifest(
    product="superoffice",
    entities={entity: _entity(resource) for entity, resource in RESOURCES.items()},
    limits=(
        "Edits of e-mails, phones, addresses and custom fields raise no event and may not touch the modification"
        " time: they cross with the next full sweep, which reads every record.",
        "Products raise no event and show no time of change or creation; they are swept, and written whole.",
        "A product whose create was not answered is not looked up automatically.",
        "SuperOffice stops a hook after an outage of seconds, and the events of that time are lost; the bridge"
        " registers it again and runs a sweep.",
        "A deleted contact or person stays in the recycle bin, by default for 14 days; both deletes raise an event.",
        "Merges raise no event of their own: the loser is gone, and the survivor looks changed. The bridge reads the"
        " survivor from the log of merges, when a record is gone and in each sweep; its user needs the right to read"
        " that log.",
        "Text cannot be null in SuperOffice: empty text is read as no value, and no value is written as empty text;"
        " numbers are emptied to 0.",
        "Several records can have the same name or e-mail: SuperOffice enforces no unique values.",
        "Countries are named by their two-letter ISO code, other list items by their text in the configured language.",
        "The bridge notices a renamed list item or custom field, but uses the old name until the new one is accepted.",
        "Filters of a mapping are not sent to SuperOffice: every record is listed.",
        "The webhook agent must be enabled for the app (online) or in the server's settings (onsite).",
    ),
    not_yet=(
        "quotes and quote lines: sales cross without lines. The API has no resource for them, only calls of its quote"
        " agent (`Agents/Quote/...`): from the sale to its quote, its versions, their alternatives and their lines, one"
        " call for each, and one for each line that is written. No listing and no event tells which lines were changed:"
        " events are about a quote that was sent, approved, rejected or ordered. So lines in both directions would mean"
        " that each sweep asks for the quote of every sale, with four calls or more each; and which of several"
        " alternatives a deal means is for a person to say",
        "documents, tickets and relations",
        "price lists",
        "extra tables",
        "users with their e-mail addresses: SuperOffice Online does not let apps read users, so owners (`associate_id`)"
        " are mapped by a table",
    ),
)
