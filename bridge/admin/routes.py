"""Health as application/health+json, liveness, readiness, metrics and status; with a front also API and pages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from bridge.admin.access import known_names_only
from bridge.admin.api import Desk, Problem, add_api, answer
from bridge.admin.live import Live
from bridge.admin.login import COOKIE
from bridge.admin.operation import Role
from bridge.domain.errors import BridgeError
from bridge.domain.frozen import dataclass
from bridge.domain.late import late
from bridge.monitoring.health import CheckResult, HealthBoard, HealthReport, Status
from bridge.monitoring.metrics import Metrics
from bridge.monitoring.redaction import Redactor

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
SYSTEM = "system"
"""The `componentType` of a part of health that is about a system; the word comes from the draft."""

Ready = Callable[[], Awaitable[str]]
StatusOf = Callable[[], Awaitable[Mapping[str, object]]]


PAGES = ("bridge.admin.pages", "Pages")
"""Imported at the first request of a page."""
STATIC = Path(__file__).parent / "static"
PAGE_PATHS = (
    "/",
    "/records",
    "/records/{side}/{entity}/{record}",
    "/records/{side}/{entity}/{record}/compare/{mapping}",
    "/waiting",
    "/dead-letters",
    "/conflicts",
    "/hooks",
    "/columns",
    "/runs",
    "/mappings",
    "/mappings/{mapping}",
    "/mappings/{mapping}/checks",
    "/mappings/{mapping}/verify",
    "/plan",
    "/doctor",
    "/settings",
    "/audit",
)
FILES = ("bridge.css", "bridge.js", "htmx.min.js", "icon.svg")


@dataclass(frozen=True, slots=True)
class Front:
    """The API and the pages. `name`: the name of this bridge."""

    desk: Desk
    live: Live
    name: str
    version: str


def admin_app(
    board: HealthBoard,
    metrics: Metrics,
    ready: Ready,
    status: StatusOf,
    *,
    hosts: Collection[str] = (),
    redact: Redactor | None = None,
    front: Front | None = None,
) -> web.Application:
    """Return the admin application. `ready` returns why callbacks cannot be accepted now, "" if they can.

    All text that is shown passes `redact`. `hosts`: host names to answer under, besides the address of the connection.
    `front`: the API and the pages; None leaves them out. If it has tokens, only liveness and readiness are shown
    without a token.
    """
    hide = redact or Redactor()

    async def health(request: web.Request) -> web.Response:
        report = await _report(board, metrics)
        code = 503 if report.status is Status.FAIL else 200
        return _json(hide.value(_document(report)), code, "application/health+json")

    async def live(request: web.Request) -> web.Response:
        return _json({"status": "pass"})

    async def is_ready(request: web.Request) -> web.Response:
        reason, fault = await _guarded(ready)
        if fault or reason:
            return _json({"status": "fail", "output": hide(fault or str(reason))}, 503)
        return _json({"status": "pass"})

    async def figures(request: web.Request) -> web.Response:
        await _report(board, metrics)  # the checks set the gauges
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.content_type})

    async def everything(request: web.Request) -> web.Response:
        rows, fault = await _guarded(status)
        return _json({"fault": hide(fault)}, 503) if fault else _json(hide.value(rows))

    checks = [known_names_only(hosts)] + ([_ended_sessions_known(front.desk)] if front is not None else [])
    app = web.Application(middlewares=checks)
    for path, handler in (("/health/live", live), ("/health/ready", is_ready)):
        app.router.add_get(path, handler)
    for path, handler in (("/health", health), ("/metrics", figures), ("/status", everything)):
        app.router.add_get(path, _known_people_only(front, handler))
    if front is not None:
        add_api(app, front.desk, front.version)
        _add_pages(app, front)
    return app


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _ended_sessions_known(desk: Desk) -> Middleware:
    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        if COOKIE in request.cookies:
            await desk.look()
        return await handler(request)

    return look


def _known_people_only(front: Front | None, handler: Handler) -> Handler:
    """Require a token for what shows records and systems, if the settings have tokens."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if front is not None and front.desk.login.tokens:
            try:
                front.desk.person(request, Role.READ)
            except Problem as problem:
                return answer({"error": problem.what}, problem.status, problem.headers)
        return await handler(request)

    return handle


def _add_pages(app: web.Application, front: Front) -> None:
    made: list[Any] = []

    def pages() -> Any:
        if not made:
            made.append(late(*PAGES)(front.desk, front.name))
        return made[0]

    def shows(path: str) -> Handler:
        async def show(request: web.Request) -> web.StreamResponse:
            return await pages().show(path, request)  # type: ignore[no-any-return] # imported late

        return show

    def does(name: str) -> Handler:
        async def do(request: web.Request) -> web.StreamResponse:
            return await getattr(pages(), name)(request)  # type: ignore[no-any-return] # imported late

        return do

    async def close(_app: web.Application) -> None:
        await front.live.close()

    for path in PAGE_PATHS:
        app.router.add_get(path, shows(path))
    app.router.add_post("/mappings/{mapping}/try", does("trial"))
    app.router.add_post("/act/{operation}", does("act"))
    app.router.add_get("/login", does("login"))
    app.router.add_post("/login", does("login"))
    app.router.add_post("/logout", does("logout"))
    app.router.add_get("/events", _events(front))
    app.router.add_get("/static/{file}", _static)
    app.on_shutdown.append(close)


def _events(front: Front) -> Handler:
    async def events(request: web.Request) -> web.StreamResponse:
        try:
            front.desk.person(request, Role.READ)
        except Problem as problem:
            return answer({"error": problem.what}, problem.status, problem.headers)
        return await front.live.stream(request)

    return events


async def _static(request: web.Request) -> web.StreamResponse:
    name = request.match_info["file"]
    if name not in FILES:
        raise web.HTTPNotFound
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(STATIC / name, headers=headers)


async def _report(board: HealthBoard, metrics: Metrics) -> HealthReport:
    report = await board.report()
    for part, result in report.checks.items():
        metrics.part(part, result.status)
    return report


async def _guarded(ask: Callable[[], Awaitable[Any]]) -> tuple[Any, str]:
    """Return (answer, "") or (None, the reason why there is no answer), so that the listener answers even when the
    store is unreachable."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await ask(), ""
    except TimeoutError:
        return None, f"no answer within {ANSWER_SECONDS:g} s"
    except Exception as error:
        log.warning("admin request failed", exc_info=True)
        return None, str(error) if isinstance(error, BridgeError) else f"{type(error).__name__}: {error}"


def _json(content: Any, status: int = 200, content_type: str = "application/json") -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(content, status=status, content_type=content_type, headers=headers)


def _document(report: HealthReport) -> dict[str, object]:
    """Return the report in the form of the Internet-Draft "Health Check Response Format for HTTP APIs"
    (draft-inadarei-api-health-check).

    The draft advises to leave `output` out of passing checks. Here it stays, because it tells a person what was
    checked.
    """
    return {
        "status": report.status.word,
        "checks": {part: [_entry(result)] for part, result in report.checks.items()},
    }


def _entry(result: CheckResult) -> dict[str, object]:
    entry: dict[str, object] = {"status": result.status.word}
    if result.system:
        entry |= {"componentType": SYSTEM, "componentId": result.system}
    if result.output:
        entry["output"] = result.output
    if result.value is not None:
        entry["observedValue"] = round(result.value, 3)
        if result.unit:
            entry["observedUnit"] = result.unit
    if result.time is not None:
        entry["time"] = result.time.isoformat(timespec="seconds")
    return entry
