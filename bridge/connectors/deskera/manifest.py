"""What the Deskera connector offers, and what Deskera cannot do.

Source: Deskera's developer documentation, Sales pages.
"""

from bridge.connectors.deskera.books.kinds import KINDS
from bridge.connectors.deskera.callbacks import CONTACT, DEAL, EVENTS
from bridge.domain.catalog import Column, ColumnSpec, EntityManifest, Lookup, Manifest

VISIBILITY = ("private", "public", "team")

CONTACT_COLUMNS = {
    "id": ColumnSpec(Column.TEXT, writable=False),
    "type": ColumnSpec(Column.CHOICE, required=True, choices=("person", "organization")),
    "name": ColumnSpec(Column.TEXT, required=True),
    "email": ColumnSpec(Column.TEXT),
    "phone": ColumnSpec(Column.TEXT, listed=False),
    "country_code": ColumnSpec(Column.TEXT),
    "address": ColumnSpec(Column.TEXT, listed=False),
    "note": ColumnSpec(Column.TEXT, listed=False),
    "label": ColumnSpec(Column.CHOICE),
    "organization_id": ColumnSpec(Column.REFERENCE, to=CONTACT),
    "organization_name": ColumnSpec(Column.TEXT, writable=False, listed=False),
    "owner_id": ColumnSpec(Column.TEXT),
    "sub_owner_ids": ColumnSpec(Column.SET),
    "visibility_type": ColumnSpec(Column.CHOICE, choices=VISIBILITY),
    "created_at": ColumnSpec(Column.INSTANT, writable=False),
    "updated_at": ColumnSpec(Column.INSTANT, writable=False),
}

DEAL_COLUMNS = {
    "id": ColumnSpec(Column.TEXT, writable=False),
    "name": ColumnSpec(Column.TEXT, required=True),
    "pipeline": ColumnSpec(Column.CHOICE),
    "stage": ColumnSpec(Column.CHOICE),
    "status": ColumnSpec(Column.CHOICE, writable=False, choices=("open", "won", "lost")),
    "amount": ColumnSpec(Column.DECIMAL),
    "currency_code": ColumnSpec(Column.TEXT),
    "closing_date": ColumnSpec(Column.INSTANT),
    "contact_id": ColumnSpec(Column.REFERENCE, to=CONTACT),
    "organization_id": ColumnSpec(Column.REFERENCE, to=CONTACT),
    "email": ColumnSpec(Column.TEXT),
    "mobile": ColumnSpec(Column.TEXT),
    "owner_id": ColumnSpec(Column.TEXT),
    "sub_owner_ids": ColumnSpec(Column.SET, listed=False),
    "visibility_type": ColumnSpec(Column.CHOICE, listed=False, choices=VISIBILITY),
    "reason": ColumnSpec(Column.TEXT),
    "created_at": ColumnSpec(Column.INSTANT, writable=False),
}


def _events(entity: str) -> frozenset[str]:
    return frozenset(name for name, (of, _) in EVENTS.items() if of == entity)


MANIFEST = Manifest(
    product="deskera",
    entities={
        CONTACT: EntityManifest(
            columns=CONTACT_COLUMNS,
            events=_events(CONTACT),
            version_resolution=1e-6,
            since=False,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"email", "name"}),
            whole_record=True,
            delete_evidence=False,
        ),
        DEAL: EntityManifest(
            columns=DEAL_COLUMNS,
            events=_events(DEAL),
            version_resolution=None,
            since=False,
            whole_record=True,
            delete_evidence=False,
        ),
        **{
            name: EntityManifest(
                columns=kind.columns,
                events=_events(name),
                version_resolution=None,
                since=False,
                whole_record=True,
                delete_evidence=False,
                custom=False,
            )
            for name, kind in KINDS.items()
        },
    },
    limits=(
        "Deskera documents no modified-since filter: every sweep reads the whole listing.",
        "Deskera signs no callback; the secret in the hook's address is the only proof, and bodies are not used.",
        "Deals carry no modification time; of two edits of one deal the order is taken from the callbacks.",
        "Reads of contacts may leave out phone, address and note: these columns are then unread, never empty.",
        "Updates send the whole record just read with the changes: columns Deskera does not show cannot be kept.",
        "A company is sent with the list of its people as it was read, because Deskera does not document whether it"
        " keeps them without it. The write waits until reads show what callbacks reported of these people and what"
        " the bridge wrote. A person whom somebody moves to another company between the read and the write, or whose"
        " move no callback reported, is moved back; and if Deskera takes the list as complete, one who was just moved"
        " to this company is removed from it.",
        "A deal's status follows its stage and cannot be written; write pipeline and stage instead.",
        "Books records are identified by their code. For Books contacts and products only a create raises an event:"
        " edits and deletes cross with the next sweep.",
        "Invoices, bills and notes show their lines as `lines`, and one that is alone also as `line`. Lines have no"
        " id of their own: a line is identified by its position in the record just read.",
        "Whether an invoice or bill is a draft is decided when it is created; a person approves it in Deskera.",
        "Only the date, memo and line of notes can be changed.",
        "In Books, older servers delete only bills: any other delete is refused and becomes a dead letter.",
        "A callback that names a Books record only by its number, without code, leads to a sweep of that entity.",
        "A deleted record is only not found, and the event that reported it may be lost: two reads, a canary read"
        " and the deletion threshold replace evidence.",
        "One hook serves one event type; Deskera may limit their number, and then sweeps find the other changes.",
        "Deskera does not document whether its search finds a contact right after its creation.",
    ),
    not_yet=("custom fields of Books records", "CRM+ tables"),
)
