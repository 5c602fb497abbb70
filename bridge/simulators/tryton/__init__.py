"""A stand-in for one Tryton 8.2 database: parties, products, sale opportunities and sales, as far
as programs see them.

Seen on the real server: JSON-RPC with errors inside answers of 200, values as objects of a class, the context as the
last parameter, one2many commands, domains, dotted fields, `_timestamp` locking, `ir.model.log` whose rows show null
once their record is gone, parties that keep `replaced_by`, workflow buttons, the login guard, answers to what
is not there.

What forms fill in (`on_change`) is known of sales and their lines.

Not simulated: translations, access rights of several users, invoices and shipments, the REST interface, compression.
"""

from bridge.simulators.tryton.app import SIMULATOR, TrytonSimulator, create_app
from bridge.simulators.tryton.state import Options

__all__ = ["SIMULATOR", "Options", "TrytonSimulator", "create_app"]
