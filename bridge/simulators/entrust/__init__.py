"""A stand-in for one tenant of Entrust Identity as a Service, written from the vendor's public documentation.

Documented by the vendor (Administration API description 5.46; pages "Authentication and authorization", "Webhooks",
"Manage Webhooks", "Events", "User events", "Webhook Signature Verification" in both generations): paths, bodies and
success codes; tokens that name their expiry; webhooks with a secret shown once, twenty of them, three seconds for an
answer, three tries for 5xx only, disabled after a hundred failures; both signature schemes; users with collections that
searches show only when asked; cursors; attributes by id; groups, organizations; the audit feed; several users in one
call; asynchronous searches; a webhook without events hears of all.

Our invention where the documentation is silent, most of it switchable in `Options`: error codes; what the twenty-first
webhook is answered; the order of deliveries and that edits through the API are delivered at all; data of user.updated
and user.deleted; the body of a test delivery; which signature parameters are sent; that values of attributes given on
an edit are merged; the default page size of searches; which keys the filter of an event has (any id of a user or group
in it counts); that no organization is left twice (404); that an asynchronous search is done at once.

Not simulated: authenticators, passwords, roles, directory synchronisation.
"""

from bridge.simulators.entrust.app import SIMULATOR, EntrustSimulator, create_app
from bridge.simulators.entrust.hooks import EVENT_TYPES
from bridge.simulators.entrust.state import Options

__all__ = ["EVENT_TYPES", "SIMULATOR", "EntrustSimulator", "Options", "create_app"]
