"""A real Tryton server on loopback, and a separate client for it that shares nothing with the connector."""

import base64
import gzip
import json
import os
import secrets
import shutil
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.real.install import Server, installed
from tests.real.progress import say

VERSION = "8.2"
PACKAGES = ("trytond==8.2.1", *(f"trytond-{name}==8.2.0" for name in ("party", "product", "sale-opportunity")))
MODULES = ("party", "product", "sale_opportunity")
DATABASE, USER = "bridge", "admin"
CATEGORIES = ("Company", "Person")
Row = dict[str, Any]
SEARCH_READ = "model.party.party.search_read"
LISTED_TRIES = 3
"""The server refuses a listing if one of its records is deleted meanwhile."""


class RpcError(Exception):
    """The server answered a call with an error."""


def _by_name(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["name"], row["id"]))


class Tryton:
    """`folder` keeps the packages and a new database; every run works on a copy of the database."""

    def __init__(self, folder: Path, run: Path) -> None:
        self._python = installed(folder, PACKAGES)
        self._made, self._run = folder / "made", run / "tryton"
        self.password = self._password(folder / "password")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database, self.user, self.session = DATABASE, USER, ""
        self._work: Row = {}
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        self._run.mkdir(parents=True)
        self._config = self._configured(self._run)
        program = str(self._python.with_name("trytond"))
        self._server = Server(
            [program, "-c", str(self._config), "-d", DATABASE], self._run / "server.log", os.environ, self._run
        )

    def start(self) -> None:
        """Start from the kept database; the first run creates it."""
        if not (self._made / "done").exists():
            self._make()
        shutil.copy(self._made / f"{DATABASE}.sqlite", self._run / f"{DATABASE}.sqlite")
        self.up()
        self._found_company()

    def up(self) -> None:
        self._server.start(self._answers)
        self._login()

    def down(self) -> None:
        self._server.stop()

    def companies(self) -> list[Row]:
        """Return all live parties of the category Company, by name."""
        ours, fields = [["categories.name", "=", "Company"]], ["name", "website", "code"]
        for _ in range(LISTED_TRIES - 1):
            with suppress(RpcError):
                return _by_name(self.call(SEARCH_READ, ours, 0, None, None, fields, {}))
        return _by_name(self.call(SEARCH_READ, ours, 0, None, None, fields, {}))

    def company(self, name: str) -> Row | None:
        found = [row for row in self.companies() if row["name"] == name]
        assert len(found) < 2, f"{name} is there {len(found)} times"
        return found[0] if found else None

    def create(self, *names: str) -> list[int]:
        category = self.call("model.party.category.search", [["name", "=", "Company"]], 0, 1, None, {})
        rows = [{"name": name, "categories": [["add", category]]} for name in names]
        made: list[int] = self.call("model.party.party.create", rows, {})
        return made

    def edit(self, record: int, **values: Any) -> None:
        self.call("model.party.party.write", [record], values, {})

    def set_website(self, record: int, address: str) -> None:
        """Set the website as the form does: through the party's contact mechanisms."""
        there = self.call("model.party.contact_mechanism.search", [["party", "=", record]], 0, 1, None, {})
        command = ["write", there, {"value": address}] if there else ["create", [{"type": "website", "value": address}]]
        self.edit(record, contact_mechanisms=[command])

    def delete(self, record: int) -> None:
        self.call("model.party.party.delete", [record], {})

    def context(self) -> Row:
        """The company and the employee for which sales are made."""
        return dict(self._work)

    def create_product(self, name: str, price: str) -> None:
        """Create a salable product with a unit."""
        (unit,) = self.call("model.product.uom.search", [["name", "=", "Unit"]], 0, 1, None, {})
        values = {"name": name, "default_uom": unit, "salable": True, "sale_uom": unit}
        values |= {"list_price": {"__class__": "Decimal", "decimal": price}, "products": [["create", [{}]]]}
        self.call("model.product.template.create", [values], self.context())

    def products(self) -> dict[int, str]:
        rows = self.call("model.product.product.search_read", [], 0, None, None, ["template.name"], self.context())
        return {row["id"]: row["template."]["name"] for row in rows}

    def sales(self) -> list[Row]:
        lines = [f"lines.{name}" for name in ("product", "quantity", "unit", "unit_price", "note")]
        fields = ["number", "state", "description", *lines]
        found: list[Row] = self.call("model.sale.sale.search_read", [], 0, None, None, fields, self.context())
        return found

    def opportunities(self) -> list[Row]:
        fields = ["description", "party", "amount", "state"]
        found: list[Row] = self.call("model.sale.opportunity.search_read", [], 0, None, None, fields, self.context())
        return found

    def edit_opportunity(self, record: int, **values: Any) -> None:
        self.call("model.sale.opportunity.write", [record], values, self.context())

    def change_lines(self, sale: int, *commands: Any) -> None:
        """Change lines as the form does: through the sale."""
        self.call("model.sale.sale.write", [sale], {"lines": list(commands)}, self.context())

    def call(self, method: str, *params: Any) -> Any:
        """Raises RpcError, OSError."""
        body = json.dumps({"id": 1, "method": method, "params": list(params)}).encode()
        path = "/rpc/" if method.startswith("common.server") else f"/{DATABASE}/rpc/"
        request = urllib.request.Request(self.url + path, body, self._headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            content = answer.read()
            packed = answer.headers.get("Content-Encoding") == "gzip"
        said = json.loads(gzip.decompress(content) if packed else content)
        if "error" in said:
            raise RpcError(f"{method}: {said['error']}")
        return said["result"]

    def _answers(self) -> bool:
        try:
            return str(self.call("common.server.version")).startswith(VERSION)
        except OSError:
            return False

    def _login(self) -> None:
        self._headers.pop("Authorization", None)
        number, key = self.call("common.db.login", USER, {"password": self.password})[:2]
        self.session = base64.b64encode(f"{USER}:{number}:{key}".encode()).decode()
        self._headers["Authorization"] = f"Session {self.session}"

    def _make(self) -> None:
        """Create an empty database with the modules; takes about a minute."""
        say("making the Tryton database (once)")
        shutil.rmtree(self._made, ignore_errors=True)
        self._made.mkdir(parents=True)
        (self._made / f"{DATABASE}.sqlite").touch()  # the tool refuses a missing database
        command = [
            str(self._python.with_name("trytond-admin")),
            "-c",
            str(self._configured(self._made)),
            "-d",
            DATABASE,
        ]
        command += ["-u", *MODULES, "--activate-dependencies", "--email", "admin@example.com"]
        passed = {**os.environ, "TRYTONPASSFILE": str(self._made.parent / "password")}
        with (self._made / "admin.log").open("ab") as log:
            subprocess.run(command, check=True, env=passed, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        (self._made / "done").touch()

    def _configured(self, folder: Path) -> Path:
        file = folder / "trytond.conf"
        file.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{self.port}\n")
        return file

    @staticmethod
    def _password(file: Path) -> str:
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(18))
        return file.read_text()

    def _found_company(self) -> None:
        """Create what every Tryton needs first: currency, company, employee; and the two categories of our mappings."""
        decimal = lambda text: {"__class__": "Decimal", "decimal": text}  # noqa: E731
        rate = {"date": {"__class__": "date", "year": 2020, "month": 1, "day": 1}, "rate": decimal("1")}
        euro = {"name": "Euro", "code": "EUR", "numeric_code": "978", "symbol": "€", "digits": 2}
        euro |= {"rounding": decimal("0.01"), "rates": [["create", [rate]]]}
        currency = self.call("model.currency.currency.create", [euro], {})
        ours, person = self.call("model.party.party.create", [{"name": "We Ourselves"}, {"name": "Eva Employee"}], {})
        company = self.call("model.company.company.create", [{"party": ours, "currency": currency[0]}], {})
        employee = self.call("model.company.employee.create", [{"party": person, "company": company[0]}], {})
        user = self.call("model.res.user.search", [["login", "=", USER]], 0, 1, None, {})
        joined = {"companies": [["add", company]], "company": company[0]}
        joined |= {"employees": [["add", employee]], "employee": employee[0]}
        self.call("model.res.user.write", user, joined, {})
        self._work = {"company": company[0], "employee": employee[0]}
        self.call("model.party.category.create", [{"name": name} for name in CATEGORIES], {})
        self.call("model.country.country.create", [{"name": "Norway", "code": "NO"}], {})
