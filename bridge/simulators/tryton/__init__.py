"""A simulator of one Tryton 8.2 database: parties, products, sale opportunities and sales, as programs see them.

Observed on the real server: JSON-RPC with errors inside answers of 200, values as objects of a class, the context as
the last parameter, one2many commands, domains, dotted fields, `_timestamp` locking, rows of `ir.model.log` that show
null once their record is gone, parties that keep `replaced_by`, workflow buttons, the login guard, answers about
missing records.

`on_change` knows what the forms of sales and of their lines fill in. Not simulated: translations, access rights of
several users, invoices and shipments, the REST interface, compression.
"""

from bridge.simulators.tryton.app import SIMULATOR, TrytonSimulator, create_app
from bridge.simulators.tryton.state import Options

__all__ = ["SIMULATOR", "Options", "TrytonSimulator", "create_app"]
