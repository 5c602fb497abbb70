"""A simulator of one SuperOffice CRM tenant, written from the vendor's public documentation.

Documented by the vendor (docs.superoffice.com: REST WebAPI reference, webhooks, authentication, OData, HTTP headers,
soft delete): paths, verbs and success codes; system user token to ticket with a real RSA signature, SOTicket, Bearer,
Basic; discovery of the endpoint and 421; PATCH in both dialects; If-Unmodified-Since and If-Modified-Since; UTC
bookkeeping dates and SO-TimeZone; slim and full archives, their columns, operators and paging; coded custom fields;
recycle bin, merges and their log; the test before a registration; event names and bodies with column names only; raw
list texts without a language; agents for the same records, null where they fail, 204 without a result; signature,
headers, tries at 0, +1 and +4 seconds, nine failures, 410.

Accepted because the vendor's own client sends it: names in bodies in any case, a slash at the end of addresses, days as
moments, the empty date of another zone.

Our invention where the documentation is silent, most of it switchable in `Options`: error statuses and bodies other
than the 404 one (500 for refused data and filters, 400 for bad patches); how old a signed token may be; which fields a
change of dependent tables touches; whether replaced CustomFields lose unnamed ones; a target's 201; the status of a
registration whose test fails; a restore that raises no event; deleting an unknown hook; default page size; ids and
names in lists; an edit that changes nothing raises nothing.

Not simulated: quotes, documents, tickets, price list items, stakeholders, project members and events, consents,
interests, images, guides, participants and repetitions of appointments, changes of custom fields' definitions by
agents, saved criteria, LocalizedAddress, defaults from preferences except the owner, rights, browser sign-in, the key
list cache of archives, events of lists, names of paths in another case.
"""

from bridge.simulators.superoffice.app import SIMULATOR, SuperOfficeSimulator, create_app
from bridge.simulators.superoffice.state import Options

__all__ = ["SIMULATOR", "Options", "SuperOfficeSimulator", "create_app"]
