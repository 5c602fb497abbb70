"""A stand-in for one organisation of BottleCRM 1.35 (PyPI `django-crm`), as far as programs see it.

Seen on the real server: trailing slashes; creates answered with 200 and an id alone; an envelope of its own for each
module's lists; tables of countries beside every answer; names of accounts and e-mail addresses that are unique; access
tokens that may not manage hooks, and an administrator's login whose refresh tokens are good once; hooks whose secret is
shown once, signed deliveries with an id that repeats keep, tried again for hours; ten hooks at most; hooks that are
switched off; strangers that are answered 403.

Not simulated: members that see a part only, custom fields, line items, tickets, invoices, automation.
"""

from bridge.simulators.bottlecrm.app import SIMULATOR, BottleSimulator, create_app
from bridge.simulators.bottlecrm.state import Options

__all__ = ["SIMULATOR", "BottleSimulator", "Options", "create_app"]
