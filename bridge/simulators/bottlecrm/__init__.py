"""A simulator of one organisation of BottleCRM 1.35 (PyPI `django-crm`), as programs see it.

Observed on the real server: trailing slashes; creates answered with 200 and only an id; a different envelope for each
module's lists; tables of countries in every answer; unique names of accounts and e-mail addresses; access tokens that
cannot manage hooks, and an administrator's login whose refresh tokens are valid once; hooks whose secret is shown once;
signed deliveries, whose id stays the same when they are repeated, for hours; ten hooks at most; hooks that are switched
off; unknown tokens answered with 403.

Not simulated: members who see only a part, custom fields, line items, tickets, invoices, automation.
"""

from bridge.simulators.bottlecrm.app import SIMULATOR, BottleSimulator, create_app
from bridge.simulators.bottlecrm.state import Options

__all__ = ["SIMULATOR", "BottleSimulator", "Options", "create_app"]
