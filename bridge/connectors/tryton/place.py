"""The company, the employee and the language that the bridge works with in the database."""

import asyncio

from bridge.connectors.protocols import Identity
from bridge.connectors.rows import one_record
from bridge.connectors.tryton.client import TrytonClient
from bridge.connectors.tryton.shape import moment
from bridge.domain.errors import NeedsAuthorisation

COMPANY = "company.company"
OF_THE_CONTEXT = ("company", "employee", "language")


class Place:
    """Fetches the context once. Without a company, Tryton refuses everything that belongs to a company."""

    def __init__(self, client: TrytonClient, company: int | None) -> None:
        self._client, self._company = client, company
        self._one = asyncio.Lock()
        self._known = False

    async def known(self) -> None:
        """Put the user's preferences, and the company of the options, into the context of every later call."""
        if self._known:
            return
        async with self._one:
            if self._known:
                return
            told = await self._client.preferences()
            context = {name: told[name] for name in OF_THE_CONTEXT if told.get(name) is not None}
            if self._company is not None:
                context["company"] = self._company
            self._client.context = context
            self._known = True

    async def identity(self) -> Identity:
        """The key is the company's id and creation time. It stays the same when the server moves, and
        differs in another database."""
        await self.known()
        company = self._client.context.get("company")
        if not isinstance(company, int):
            text = "the user has no company: assign one in Tryton, or set the option `company`"
            raise NeedsAuthorisation(self._client.system, text)
        rows = await self._client.search_read(COMPANY, [["id", "=", company]], ["rec_name", "create_date"])
        if not rows:
            raise NeedsAuthorisation(self._client.system, f"the user may not work in the company {company}")
        with one_record(self._client.system, f"model.{COMPANY}.search_read"):
            made = moment(rows[0], "create_date")
            key = f"company {company} of {made:%Y-%m-%dT%H:%M:%S.%f}" if made else f"company {company}"
            return Identity(key, f"Tryton {rows[0]['rec_name']}", self._client.user)

    async def probe(self) -> None:
        """The cheapest call that needs a session."""
        await self._client.preferences()
