"""A simulator of one Deskera organisation (Sales CRM and Books), written from the vendor's public documentation.

Documented by the vendor (deskera.github.io/Developer-Documentation: OAuth V2, Authentication, Webhooks, Sales contacts,
Sales deals, Custom fields): paths, verbs and success codes; token requests with query parameters and a Basic client;
`expires_in` 0; the V1 token answer; the six fields of a hook registration, its answer and the 22 events; both envelopes
of CRM lists; contact and deal fields as in the samples; `won_lost_status` filled in pipelines and empty in deals;
custom fields as `custom_field[]` and, by label, `c_field`; the service error body (vendor's Java SDK).

Our invention where the documentation is silent, most of it switchable in `Options`: everything about callback delivery
(method, bodies, one attempt, time-out); token life, rotation and the OAuth refusals; a second hook for a second
registration; PUT resets fields that it does not name, PATCH does not; `page` and `limit` on deals; which parameters
filter contacts and how; defaults of missing fields; an edit that changes nothing sends an event like any other and
moves `updated_at`; a company that is put with `person_ids` or `person_names` takes these people over and keeps its
others (`replace_people`: it loses them, also if both are missing); ids of unknown records, stages and custom fields are
refused; a contact or organization named without an id is found by exact name or created; a deleted record answers 404.
It is unknown whether a deleted record can be restored: a person can do it here, and it sends an update event.

Books (folder `books`; pages "Contacts", "Products", "Sales invoices", "Bills", "Credit notes", "Debit notes") follows
the documented fields, dd-MM-yyyy dates, Spring pages, update by id and read by code, required fields and the refusal to
change whether a saved document is a draft. Our invention there: sums of amounts, how a payment changes `status`, when
drafts and payments send events, the body of 207 answers, the record of a STOCK_IN or STOCK_OUT callback (whose `id` is
the movement's, not the product's), a deleted record answers 404.

Not simulated: knock-off of notes, transfers and warehouses, country variants, numbering formats, CRM+, activities,
campaigns, password sign-in, more than one user, permissions.
"""

from bridge.simulators.deskera.app import SIMULATOR, DeskeraSimulator, create_app
from bridge.simulators.deskera.hooks import EVENTS
from bridge.simulators.deskera.state import Options

__all__ = ["EVENTS", "SIMULATOR", "DeskeraSimulator", "Options", "create_app"]
