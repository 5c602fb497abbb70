"""The PyPI package superoffice-python-sdk: every call for each entity, sent to loopback through its HTTP library.

python superoffice_sdk.py ADDRESS TENANT APPLICATION TICKET; each line of the output is a call. The package signs in by
SOAP at the vendor's own host, so the ticket is an argument.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import requests
from superofficesdk import rest

HOST = "https://online.superoffice.com"
ENTITIES: Mapping[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "Contact": ("ContactId", {"Name": "Fjord AS", "OrgNr": "911"}, {"Name": "Fjord Group"}, "contactId,name"),
    "Person": ("PersonId", {"Lastname": "Nilsen", "Firstname": "Ana"}, {"Lastname": "Moe"}, "personId,lastName"),
    "Project": ("ProjectId", {"Name": "Quay", "ProjectNumber": "Q"}, {"Name": "Pier"}, "projectId,name"),
    "Sale": ("SaleId", {"Heading": "Ropes", "Amount": 12.5}, {"Heading": "Nets"}, "saleId,heading"),
    "Appointment": ("AppointmentId", {"Title": "Call"}, {"Title": "Visit"}, "appointmentId,title"),
    "Product": ("ProductId", {"Name": "Rope", "Code": "r"}, {"Name": "Net"}, "productId,name"),
    "Pricelist": ("PriceListId", {"Name": "Retail"}, {"Name": "Shops"}, "priceListId,name"),
}
"""By resource: the id's name, a new record, a change, and columns of its list, of which the second is in the change."""


class Loopback(requests.adapters.HTTPAdapter):
    """Sends requests for the vendor's host to another address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def send(self, request: requests.PreparedRequest, *given: Any, **more: Any) -> requests.Response:
        request.url = (request.url or "").replace(HOST, self._address)
        return super().send(request, *given, **more)


def tell(name: str, run: Callable[[], Any], wanted: Callable[[Any], bool], expected: str, right: str = "right") -> Any:
    try:
        got = run()
    except Exception as error:  # whatever error the package raises for an answer
        got = repr(error)
        outcome = "wrong"
    else:
        outcome = right if wanted(got) else "wrong"
    sys.stdout.write(json.dumps({"name": name, "outcome": outcome, "expected": expected, "got": str(got)[:200]}) + "\n")
    return got


def holds(fields: Mapping[str, Any]) -> Callable[[Any], bool]:
    return lambda got: all(got.get(name) == value for name, value in fields.items())


def is_missing(got: Any) -> bool:
    return bool(got.get("ErrorType") == "SoNotFoundException")


def main(address: str, tenant: str, application: str, ticket: str) -> None:
    rest.SuperOfficeLogin = lambda *_given: ticket
    client = rest.SuperOffice(cust_id=tenant, app_token=application, sys_token="-", private_key="-")
    client.session.mount(HOST, Loopback(address))
    for name, (key, body, change, columns) in ENTITIES.items():
        one = getattr(client, name)
        made = tell(f"{name}.create", lambda o=one, b=body: o.create(b), lambda got, b=body: holds(b)(got), str(body))
        number = str(made.get(key)) if isinstance(made, dict) else "0"
        tell(f"{name}.get", lambda o=one, n=number: o.get(n), holds({**body, key: int(number)}), str(body))
        whole = {**made, **change} if isinstance(made, dict) else change
        tell(f"{name}.update", lambda o=one, n=number, w=whole: o.update(n, w), lambda got: got == 200, "200")
        tell(f"{name}.get updated", lambda o=one, n=number: o.get(n), holds({**body, **change}), str(change))
        first, second = columns.split(",")
        row = {first: int(number), second: next(iter(change.values()))}
        asked = f"{first} equals {number}"
        tell(
            f"query {name}",
            lambda n=name, c=columns, a=asked: client.query(n, c, filter=a, top=5)["value"],
            lambda got, r=row: len(got) == 1 and holds(r)(got[0]),
            str(row),
        )
        tell(f"{name}.delete", lambda o=one, n=number: o.delete(n), lambda got: got == 204, "204")
        tell(f"{name}.get deleted", lambda o=one, n=number: o.get(n), is_missing, "SoNotFoundException")
    for name in ("Ticket", "Document"):
        tell(f"{name}.get", lambda n=name: getattr(client, n).get("1"), is_missing, "404", right="not served")


if __name__ == "__main__":
    main(*sys.argv[1:])
