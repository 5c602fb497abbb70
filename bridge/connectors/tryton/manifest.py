"""What Tryton offers and what it cannot do. Facts: trytond 8.2, modules party, product, sale and sale_opportunity."""

from bridge.connectors.tryton.columns import (
    CATEGORY,
    CODE,
    EMPLOYEE,
    LINES,
    OPPORTUNITY,
    PARTY,
    PARTY_LISTS,
    SALE,
    SALE_STATE,
    STATE,
    TEMPLATE,
    VARIANT,
)
from bridge.connectors.tryton.options import TrytonOptions
from bridge.domain.catalog import EntityManifest, Lookup, Manifest
from bridge.domain.frozen import replace

FINE = 0.001  # seconds; times have microseconds, on SQLite as well
LONGEST_TRANSACTION_SECONDS = 120.0

MANIFEST = Manifest(
    product="tryton",
    entities={
        "party": EntityManifest(
            columns={**{column: each.spec for column, each in PARTY.items()}, **PARTY_LISTS, "category": CATEGORY},
            archives=True,
            read_lag=0.0,
            version_resolution=FINE,
            unversioned=frozenset(PARTY_LISTS),
            since_lag=LONGEST_TRANSACTION_SECONDS,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"name", "code", "emails", "phones", "websites"}),
            custom=False,
        ),
        "product": EntityManifest(
            columns={column: each.spec for column, each in {**TEMPLATE, **VARIANT}.items()} | {"code": CODE},
            archives=True,
            read_lag=0.0,
            version_resolution=FINE,
            since_lag=LONGEST_TRANSACTION_SECONDS,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"name", "code"}),
            custom=False,
            delete_evidence=False,  # variants that are deleted with their template are not logged
        ),
        "opportunity": EntityManifest(
            columns={column: each.spec for column, each in OPPORTUNITY.items()} | {"state": STATE},
            read_lag=0.0,
            version_resolution=FINE,
            since_lag=LONGEST_TRANSACTION_SECONDS,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"number", "reference", "description"}),
            custom=False,
        ),
        "employee": EntityManifest(
            columns=EMPLOYEE,
            creates=False,
            updates=False,
            deletes=False,
            read_lag=0.0,
            version_resolution=FINE,
            unversioned=frozenset({"name", "email"}),
            since_lag=LONGEST_TRANSACTION_SECONDS,
            custom=False,
        ),
        "sale": EntityManifest(
            columns={column: each.spec for column, each in SALE.items()} | {"state": SALE_STATE, "lines": LINES},
            read_lag=0.0,
            version_resolution=FINE,
            unversioned=frozenset({"lines", "untaxed_amount", "tax_amount", "total_amount"}),
            since_lag=LONGEST_TRANSACTION_SECONDS,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"number", "reference", "description"}),
            custom=False,
        ),
    },
    limits=(
        "Employees are read-only, for mappings that pair users. Their e-mail address is the first one of their party.",
        "A record names the user who changed it last. Where a record rule hides other users from the bridge's user,"
        " their numbers are shown.",
        "There are no webhooks: sweeps find every change, as often as `sweep_seconds` of the system says.",
        "If a contact mechanism or an address is deleted on its own, not in its party's form, the change shows with"
        " the next full sweep.",
        "Deletes are found in the log of what users do (`ir.model.log`), for which the user needs the right to read"
        " it; what a program inside the server deletes, variants that go with their template, and all deletes without"
        " that right show with the next full sweep.",
        "Changes carry the time when their transaction began, so each sweep looks back by"
        " `longest_transaction_seconds`.",
        "Refusals are sentences in the user's language, without a code and without the field they are about.",
        "A change that Tryton wants a person to confirm fails.",
        "A write is refused and decided again if somebody has changed the record, its contact mechanisms or its"
        " address since it was read.",
        "`state` of an opportunity is changed by its buttons, one after the other; `won` comes with its sale only."
        " `converted` makes a sale. An opportunity is cancelled before it is deleted.",
        "An opportunity needs a party and an employee before it leaves the state `lead`.",
        "A sale is a draft first; `state` is changed by its buttons (`quotation`, `confirmed`, `cancelled`, back to"
        " `draft`). The server's queue takes a confirmed one on to `processing` and `done`, from where no button"
        " leads back. `description`, `party`, `currency` and the lines can be written while it is a draft, `date`"
        " until it is confirmed, `reference` and `comment` always; other writes are refused. It is never taken back"
        " to be changed.",
        "A new sale gets the addresses, terms and methods that Tryton's form takes from its party, and a new line"
        " the unit, price and taxes that it takes from the product, unless the mapping sets them. A quotation needs"
        " an address of the party.",
        "A line needs a `salable` product with a `sale_unit`; without one said, that is the unit of the product. A"
        " quantity has no more decimals than its unit. Titles, subtotals and comments among the lines stay as they"
        " are.",
        "A product is a variant; its name, type, unit and price are those of all variants of its template, and are"
        " written only where there is one.",
        "People and companies are one model. `category` is a party's oldest category: filter by it where both cross."
        " To write it replaces the oldest category.",
        "`address` is a party's first address; further ones stay as they are. Its subdivision is shown only.",
        "A failed login is not repeated automatically for half an hour: the server would lock out the right"
        " password, too.",
    ),
    not_yet=("identifiers of parties", "further addresses of a party"),
)


def manifest_of(options: TrytonOptions) -> Manifest:
    """The manifest with the values of these options."""
    lag = options.longest_transaction_seconds
    entities = {name: replace(entity, since_lag=lag) for name, entity in MANIFEST.entities.items()}
    return replace(MANIFEST, entities=entities)
