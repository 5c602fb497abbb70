"""The pages. Each gets what it shows from the desk, by the name of an operation, and fills a template.

Imported at the first request of a page, because Jinja2 and the templates cost time and memory.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup, escape

from bridge.admin.api import Desk, Problem
from bridge.admin.login import TooMany, foreign, is_secure
from bridge.admin.operation import ABOUT, Person, Role

TEMPLATES = Path(__file__).parent / "templates"
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NAVIGATION = (
    ("/", "Overview"),
    ("/records", "Records"),
    ("/waiting", "Waiting"),
    ("/dead-letters", "Dead letters"),
    ("/conflicts", "Conflicts"),
    ("/hooks", "Hooks"),
    ("/columns", "Columns"),
    ("/runs", "Runs"),
    ("/mappings", "Mappings"),
    ("/plan", "Plan"),
    ("/doctor", "Doctor"),
    ("/settings", "Settings"),
    ("/audit", "Audit log"),
)
SHOWS: Mapping[str, tuple[str, str]] = {
    "/": ("overview", "overview.html"),
    "/records": ("search", "records.html"),
    "/records/{side}/{entity}/{record}": ("record", "record.html"),
    "/records/{side}/{entity}/{record}/compare/{mapping}": ("compare", "compare.html"),
    "/waiting": ("waiting", "waiting.html"),
    "/dead-letters": ("letters", "letters.html"),
    "/conflicts": ("conflicts", "conflicts.html"),
    "/hooks": ("hooks", "hooks.html"),
    "/columns": ("changed", "columns.html"),
    "/runs": ("runs", "runs.html"),
    "/mappings": ("mappings", "mappings.html"),
    "/mappings/{mapping}": ("mapping", "mapping.html"),
    "/mappings/{mapping}/checks": ("checks", "checks.html"),
    "/mappings/{mapping}/verify": ("verified", "verified.html"),
    "/plan": ("plan", "plan.html"),
    "/doctor": ("doctor", "doctor.html"),
    "/settings": ("settings", "settings.html"),
    "/audit": ("log", "audit.html"),
}
"""For each address: the operation whose answer is shown, and its template."""
TIMES = frozenset({"at", "since"})
"""Fields of a form that are times. After a preview they are sent again as the exact moments that the preview used."""
OWN = frozenset({"request"})
"""Query keys of pages that are not parameters of the operation. `request`: the request whose answer is shown at the
top."""


class Pages:
    """Fills the templates. `name`: the name of this bridge.

    Secrets are hidden in each value before it is escaped. In a finished page, hiding could remove markup after a value,
    and an escaped secret would not be recognised.
    """

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._name = name
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=self._hidden,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "spark": spark,
            "time": _time,
            "ticks": lambda text: _ticks(desk.redact(str(text))),
            "many": _many,
            "asjson": lambda value: escape(json.dumps(desk.redact.value(value))),
        }
        self._environment.globals["nav"] = NAVIGATION
        self._environment.globals["sure"] = {
            name: one.sure for name, one in desk.operations.items() if not one.shows_first
        }

    def _hidden(self, value: Any) -> Any:
        """Return a template's value without secrets. Markup was made of such values already."""
        if value is None or isinstance(value, Markup | Undefined | bool | int | float):
            return value
        return self._desk.redact(str(value))

    async def show(self, path: str, request: web.Request) -> web.Response:
        """Answer with the page of this address, which is a key of SHOWS."""
        operation, template = SHOWS[path]
        try:
            person = self._desk.person(request, Role.READ)
            given = {key: value for key, value in request.query.items() if key not in OWN and value != ""}
            found = await self._desk.do(operation, person, {**given, **request.match_info})
            notice = await self._notice(request, person)
        except Problem as problem:
            return await self._problem(request, problem)
        return self._page(request, template, person, found=found, notice=notice, given=given)

    async def trial(self, request: web.Request) -> web.Response:
        """Show what a mapping does with a record that was named or pasted. The answer is only a part of the page."""
        mapping = request.match_info["mapping"]
        try:
            person = self._desk.person(request, Role.READ)
            form = {key: str(value) for key, value in (await request.post()).items()}
            found = await self._desk.do("trial", person, {**form, "mapping": mapping})
            return self._page(request, "trial.html", person, found=found, fault=found.fault, mapping=mapping)
        except Problem as problem:
            if problem.status in (401, 429):
                return await self._problem(request, problem)
            known = self._desk.person(request, Role.READ)
            return self._page(request, "trial.html", known, found=None, fault=problem.what, mapping=mapping)

    async def act(self, request: web.Request) -> web.Response:
        """Carry out the action of a form. If the action has a question, ask it first. Then go back to the page of the
        form."""
        name = request.match_info["operation"]
        operation = self._desk.operations.get(name)
        try:
            if operation is None or operation.role < Role.OPERATE:
                raise Problem(404, f"there is no action `{name}`")
            person = self._desk.person(request, operation.role)
            form = await request.post()
            given: dict[str, Any] = {key: str(value) for key, value in form.items() if value != ""}
            back, certain = _own(given.pop("back", "/")), given.pop("sure", "")
            if given.pop("selected", "") and "records" not in given:
                raise Problem(422, "select at least one record first")
            if given.pop("all", ""):
                given.pop("records", None)
            elif "records" in given:
                given["records"] = [_record(str(one)) for one in form.getall("records")]
            if operation.sure and certain != "yes":
                preview = None
                if operation.shows_first:
                    preview = await self._desk.do(name, person, {**given, "go": False})
                if preview is None or preview.state != "failed":
                    meant = getattr(preview, "since", None)
                    fields = [(key, meant if meant and key in TIMES else str(value)) for key, value in form.items()]
                    told: dict[str, Any] = {"operation": operation, "about": _about(given), "preview": preview}
                    return self._page(request, "sure.html", person, fields=fields, back=back, **told)
                return _see(_answered(back, preview))
            outcome = await self._desk.do(name, person, {**given, **({"go": True} if operation.shows_first else {})})
        except Problem as problem:
            return await self._problem(request, problem)
        return _see(_answered(back, outcome))

    async def login(self, request: web.Request) -> web.Response:
        """Show the login form, or check what it sends."""
        login, fault, status = self._desk.login, "", 200
        ahead = _own(request.query.get("next", "/"))
        if request.method == "POST":
            form = await request.post()
            ahead = _own(str(form.get("next", "/")))
            try:
                if foreign(request):
                    raise Problem(403, "a page of another site sent this request")
                token = login.by_token(str(form.get("token", "")).strip(), str(request.remote))
            except TooMany as error:
                fault, status = str(error), 429
            except Problem as problem:
                return await self._problem(request, problem)
            else:
                if token is not None:
                    response = _see(ahead)
                    login.begin(response, token, is_secure(request))
                    await self._desk.note(token.name, "login")
                    return response
                fault, status = "This token is not valid. Use one of admin.tokens in the settings.", 401
        return self._page(request, "login.html", None, status=status, fault=fault, ahead=ahead, who=self._desk.who())

    async def logout(self, request: web.Request) -> web.Response:
        if foreign(request):
            return await self._problem(request, Problem(403, "a page of another site sent this request"))
        response = _see("/login")
        ended = self._desk.login.end(request, response)
        if ended is not None:
            name, session = ended
            await self._desk.note(name, "logout", session=session)
        return response

    async def _notice(self, request: web.Request, person: Person) -> Any:
        """Return the answer of the request whose number is in the query of the page."""
        number = request.query.get("request", "")
        if not number.isdigit():
            return None
        try:
            return await self._desk.do("request", person, {"request": number})
        except Problem:
            return None

    async def _problem(self, request: web.Request, problem: Problem) -> web.Response:
        if problem.status == 401 and self._desk.login.tokens:
            login = f"/login?{urlencode({'next': await _ahead(request)})}"
            if "HX-Request" in request.headers:  # its fetch would follow a redirect and show the form in the page
                return web.Response(headers={"HX-Redirect": login, "Cache-Control": "no-store"})
            return _see(login)
        try:
            person = self._desk.login.person(request)
        except TooMany:
            person = None
        response = self._page(
            request, "problem.html", person, status=problem.status, what=problem.what, code=problem.status
        )
        response.headers.update({key: value for key, value in problem.headers.items() if key == "Retry-After"})
        return response

    def _page(
        self, request: web.Request, template: str, person: Person | None, status: int = 200, **values: Any
    ) -> web.Response:
        text = self._environment.get_template(template).render(
            **{"notice": None, "given": {}, **values},
            bridge=self._name,
            person=person,
            may_act=person is not None and person.role >= Role.OPERATE,
            here=request.path_qs if request.method == "GET" else None,  # a page that answers a form is not loaded again
            path=request.path,
            session=self._desk.login.session(request),
        )
        response = web.Response(text=text, status=status, content_type="text/html", headers=SECURITY)
        self._desk.login.keep(request, response)
        return response


def _about(given: Mapping[str, Any]) -> str:
    """Return in a few words what an action is about."""
    if "records" in given:
        return _many(len(given["records"]), "record")
    return " ".join(str(given[key]) for key in (*ABOUT, "run", "code", "since") if key in given)


def _answered(back: str, outcome: Any) -> str:
    """Return the address to go to after an action, where the request's answer is shown. `Looks` have their own pages
    for that."""
    number = getattr(outcome, "request", None)
    return back if number is None else f"{back}{'&' if '?' in back else '?'}{urlencode({'request': number})}"


def _see(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


async def _ahead(request: web.Request) -> str:
    """Return the address to go to after logging in: the requested page, or the page on which an action was pressed."""
    if "HX-Request" not in request.headers and request.method != "POST":
        return request.path_qs
    back = (await request.post()).get("back")
    if back:
        return _own(str(back))
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    if page.netloc != request.host:
        return "/"
    return _own(page._replace(scheme="", netloc="", fragment="").geturl())


def _own(address: str) -> str:
    """Return the address if it is on this listener, otherwise "/"."""
    parts = urlsplit(address)
    own = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if own and not parts.netloc and address.isprintable() else "/"


def _record(text: str) -> list[str]:
    """Return [side, entity, id] from the value of a check box."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Problem(422, "records: invalid")
    return [str(one) for one in found]


def spark(changes: Sequence[int]) -> dict[str, Any]:
    """Return a chart of 288 x 40: the `points` of its outline, the `peak` in changes per minute, and the `total`."""
    peak = max(changes, default=0)
    width = 288 / max(1, len(changes))
    points = [
        f"{number * width:.1f},{39 - 37 * (many / peak if peak else 0):.1f}" for number, many in enumerate(changes)
    ]
    steps = []
    for number, point in enumerate(points):
        _, _, height = point.partition(",")
        steps += [point, f"{(number + 1) * width:.1f},{height}"]
    outline = " ".join(["0,40", *steps, "288,40"])
    return {"points": outline, "peak": peak / 10, "total": sum(changes)}


def _time(moment: str | None, never: str = "never") -> Markup:
    """Return a time element. The script of the page changes it to the reader's time zone."""
    if moment is None:
        return Markup('<span class="dim">{}</span>').format(never)
    plain = moment[:16].replace("T", " ")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(moment, moment[:19].replace("T", " "), plain)


def _ticks(text: str) -> Markup:
    """Return the text with what is between backticks as code."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return Markup("{}").format(text)
    form = Markup("").join(Markup("<code>{}</code>") if number % 2 else Markup("{}") for number in range(len(parts)))
    return form.format(*parts)


def _many(number: int, thing: str, several: str = "") -> str:
    return f"{number:,} {thing if number == 1 else several or thing + 's'}"
