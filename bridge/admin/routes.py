"""Health as application/health+json, liveness, readiness, metrics and status."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from aiohttp import web

from bridge.admin.access import known_names_only
from bridge.domain.errors import BridgeError
from bridge.monitoring.health import CheckResult, HealthBoard, HealthReport, Status
from bridge.monitoring.metrics import Metrics
from bridge.monitoring.redaction import Redactor

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0

Ready = Callable[[], Awaitable[str]]
StatusOf = Callable[[], Awaitable[Mapping[str, object]]]


def admin_app(
    board: HealthBoard,
    metrics: Metrics,
    ready: Ready,
    status: StatusOf,
    *,
    hosts: Collection[str] = (),
    redact: Redactor | None = None,
) -> web.Application:
    """The admin application. `ready` says why callbacks could not be taken in now, "" when they can.

    Everything shown as text passes `redact`. `hosts`: names it may be asked by, besides the address it is asked at.
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

    app = web.Application(middlewares=[known_names_only(hosts)])
    app.router.add_get("/health", health)
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", is_ready)
    app.router.add_get("/metrics", figures)
    app.router.add_get("/status", everything)
    return app


async def _report(board: HealthBoard, metrics: Metrics) -> HealthReport:
    report = await board.report()
    for part, result in report.checks.items():
        metrics.part(part, result.status)
    return report


async def _guarded(ask: Callable[[], Awaitable[Any]]) -> tuple[Any, str]:
    """(answer, "") or (None, why there is none): the listener answers whatever becomes of the store."""
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
    """The shape of the Internet-Draft "Health Check Response Format for HTTP APIs" (draft-inadarei-api-health-check).

    It advises to leave `output` out of passing checks; here it stays, because it tells a person what was checked.
    """
    return {
        "status": report.status.word,
        "checks": {part: [_entry(result)] for part, result in report.checks.items()},
    }


def _entry(result: CheckResult) -> dict[str, object]:
    entry: dict[str, object] = {"status": result.status.word}
    if result.output:
        entry["output"] = result.output
    if result.value is not None:
        entry["observedValue"] = round(result.value, 3)
        if result.unit:
            entry["observedUnit"] = result.unit
    if result.time is not None:
        entry["time"] = result.time.isoformat(timespec="seconds")
    return entry
