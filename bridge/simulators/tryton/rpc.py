"""JSON-RPC: sessions, methods, and errors inside answers of 200. Written from `trytond/protocols`."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bridge.simulators.faults import Faults, ResponseFault
from bridge.simulators.tryton.changes import Changes
from bridge.simulators.tryton.domain import UnknownField
from bridge.simulators.tryton.forms import on_change
from bridge.simulators.tryton.models import MODELS
from bridge.simulators.tryton.reading import read, search
from bridge.simulators.tryton.rules import Refused, user_error
from bridge.simulators.tryton.state import ADMIN, State
from bridge.simulators.tryton.values import Inconvertible, from_wire, to_wire

METHOD = web.RequestKey("method", str)
BODY = web.RequestKey("body", dict)
LOGIN = "common.db.login"


def page(status: int, text: str = "") -> web.Response:
    """The web server's own page. Answers other than 200 have one."""
    return web.Response(status=status, text=f"<!doctype html>\n<title>{status}</title>{text}", content_type="text/html")


def fault_answer(_request: web.Request, fault: ResponseFault) -> web.StreamResponse:
    """The answer of a fault that was set. Variant "in-band": 200 with the text of an exception."""
    if fault.variant == "in-band":
        return web.json_response({"id": 0, "error": ["database is locked", ""]})
    return page(fault.status)


class Rpc:
    def __init__(self, state: State, faults: Faults, changes: Changes) -> None:
        self._state, self._faults, self._changes = state, faults, changes

    async def root(self, request: web.Request) -> web.Response:
        """Answer calls without a database."""
        known = {"common.server.version": "8.2", "common.db.list": [self._state.options.database]}
        body = request[BODY]
        if body.get("method") not in known:
            return page(403)
        return self._answer(body, result=known[body["method"]])

    async def database(self, request: web.Request) -> web.Response:
        body = request[BODY]
        if request.match_info["database"] != self._state.options.database:
            return page(503)
        method, params = str(body.get("method")), body.get("params")
        if not isinstance(params, list):
            return page(400)
        if method == LOGIN:
            return await self._login(body, params)
        if not self._known(request.headers.get("Authorization", "")):
            return web.Response(status=401)
        if method == "common.db.logout":
            self._state.sessions.clear()
            return self._answer(body, result=None)
        return self._called(body, method, params)

    def _called(self, body: Mapping[str, Any], method: str, params: list[Any]) -> web.Response:
        _, _, rest = method.partition(".")
        model, _, name = rest.rpartition(".")
        work = self._method(model, name)
        if not method.startswith("model.") or work is None:
            return page(403)
        if not params or not isinstance(params[-1], dict):
            return page(422, "Missing context argument")
        try:
            *given, context = from_wire(params)
            return self._answer(body, result=work(given, context))
        except Refused as refused:
            return self._answer(body, error=refused.error)
        except (UnknownField, Inconvertible) as wrong:
            return self._answer(body, error=[str(wrong), ""])
        except (ValueError, TypeError, IndexError, KeyError) as wrong:
            return self._answer(body, error=[f"{type(wrong).__name__}: {wrong}", ""])

    def _method(self, model: str, name: str) -> Callable[[list[Any], Mapping[str, Any]], Any] | None:
        if model == "res.user" and name == "get_preferences":
            return lambda given, context: {"company": 1, "employee": 1, "language": "en", "companies": [1]}
        if model not in MODELS:
            return None
        workflow = MODELS[model].workflow
        if workflow is not None and name in workflow.buttons:
            return lambda given, context: self._changed(
                context, lambda t: self._changes.press(model, name, given[0], t)
            )
        works = {
            "search": self._search,
            "search_read": self._search_read,
            "search_count": self._search_count,
            "read": self._read,
            "create": self._create,
            "write": self._write,
            "delete": self._delete,
            "on_change": self._on_change,
        }
        work = works.get(name)
        return None if work is None else lambda given, context: work(model, given, context)

    def _rows(self, model: str, given: list[Any], context: Mapping[str, Any]) -> list[dict[str, Any]]:
        if model == "ir.model.log" and not self._state.options.log_readable:
            raise user_error('You are not allowed to access "Log".')
        return search(self._state, model, given, context, self._faults.lag(model))

    def _search(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        return [row["id"] for row in self._rows(model, given[:4], context)]

    def _search_read(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        lag = self._faults.lag(model)
        return [read(self._state, model, row, given[4], lag) for row in self._rows(model, given[:4], context)]

    def _search_count(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        return len(self._rows(model, [*given[:3], None], context))

    def _read(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        lag, found = self._faults.lag(model), []
        for record_id in given[0]:
            row = self._state.get(model, record_id, lag)
            if row is None:
                raise user_error(f'You are trying to read records "{record_id}" that don\'t exist.')
            found.append(read(self._state, model, row, given[1], lag))
        return found

    def _on_change(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        return on_change(self._state, model, given[0], given[1])

    def _create(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        return self._changed(context, lambda t: [self._changes.create(model, values, t) for values in given[0]])

    def _write(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        def work(t: Any) -> None:
            for ids, values in zip(given[::2], given[1::2], strict=True):
                self._changes.write(model, ids, values, t)

        return self._changed(context, work)

    def _delete(self, model: str, given: list[Any], context: Mapping[str, Any]) -> Any:
        return self._changed(context, lambda t: self._changes.delete(model, given[0], t))

    def _changed(self, context: Mapping[str, Any], work: Callable[[Any], Any]) -> Any:
        transaction = self._changes.begin(context, ADMIN)
        try:
            return work(transaction)
        except BaseException:
            self._changes.roll_back(transaction)
            raise

    async def _login(self, body: Mapping[str, Any], params: list[Any]) -> web.Response:
        """Log in. Each failure makes later answers slower; after too many failures every
        login is refused for a while."""
        state, options, now = self._state, self._state.options, self._state.world.clock.now()
        state.failures = [at for at in state.failures if at > now - options.timeout]
        failed = len(state.failures)
        if failed > options.max_attempt:
            return page(429)
        if failed:
            await state.world.clock.sleep(state.world.rng.random() * (2**failed - 1))
        user, given = params[0], params[1] if len(params) > 1 else {}
        if not given:
            return self._answer(body, error=["LoginException", ["password", f"Password for {user}", "password"]])
        if (user, given.get("password")) != (options.user, options.password):
            state.failures.append(now)
            return page(401)
        state.failures.clear()
        key = f"{state.world.rng.getrandbits(256):064x}"
        state.sessions.add(key)
        return self._answer(body, result=[ADMIN, key, None])

    def _known(self, header: str) -> bool:
        kind, _, packed = header.partition(" ")
        try:
            user, number, key = base64.b64decode(packed).decode().split(":")
        except (ValueError, binascii.Error):
            return False
        return (
            kind == "Session"
            and (user, number) == (self._state.options.user, str(ADMIN))
            and key in self._state.sessions
        )

    def _answer(self, body: Mapping[str, Any], **said: Any) -> web.Response:
        whole = set(body) == {"id", "method", "params"}
        return web.json_response(to_wire({"id": body.get("id", 0), **said} if whole else next(iter(said.values()))))
