"""A simulator of one tenant of Entrust Identity as a Service, written from the vendor's public documentation.

Documented by the vendor (Administration API description 5.46; pages "Authentication and authorization", "Webhooks",
"Manage Webhooks", "Events", "User events", "Webhook Signature Verification" in both generations): paths, bodies and
success codes; tokens that name their expiry; webhooks whose secret is shown once, at most twenty, three seconds for an
answer, three tries for 5xx only, disabled after a hundred failures; both signature schemes; users with collections that
searches show only on request; cursors; attributes by id; groups, organizations; the audit feed; several users in one
call; asynchronous searches; a webhook without events gets all events.

Our invention where the documentation is silent, most of it switchable in `Options`: error codes; the answer to the
twenty-first webhook; the order of deliveries, and that edits through the API are delivered at all; data of user.updated
and user.deleted; the body of a test delivery; which signature parameters are sent; that attribute values given in an
edit are merged; the default page size of searches; the keys in the filter of an event (any id of a user or group in it
counts); that leaving an organization a second time answers 404; that an asynchronous search is finished at once.

Not simulated: authenticators, passwords, roles, directory synchronisation.
"""

from bridge.simulators.entrust.app import SIMULATOR, EntrustSimulator, create_app
from bridge.simulators.entrust.hooks import EVENT_TYPES
from bridge.simulators.entrust.state import Options

__all__ = ["EVENT_TYPES", "SIMULATOR", "EntrustSimulator", "Options", "create_app"]
