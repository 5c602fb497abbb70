"""Health as application/health+json, liveness, readiness, metrics and status."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.monitoring.health import CheckResult, HealthBoard, HealthReport, Status
from bridge.monitoring.metrics import Metrics

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})

Ready = Callable[[], Awaitable[str]]
StatusOf = Callable[[], Awaitable[Mapping[str, object]]]


def admin_app(
    board: HealthBoard, metrics: Metrics, ready: Ready, status: StatusOf, *, allow_remote: bool = False
) -> web.Application:
    """The admin application. `ready` says why callbacks could not be taken in now, "" when they can."""

    async def health(request: web.Request) -> web.Response:
        report = await board.report()
        for part, result in report.checks.items():
            metrics.part_up.labels(part).set(0 if result.status is Status.FAIL else 1)
        code = 503 if report.status is Status.FAIL else 200
        return web.json_response(_document(report), status=code, content_type="application/health+json")

    async def live(request: web.Request) -> web.Response:
        return web.json_response({"status": "pass"})

    async def is_ready(request: web.Request) -> web.Response:
        reason = await ready()
        if reason:
            return web.json_response({"status": "fail", "output": reason}, status=503)
        return web.json_response({"status": "pass"})

    async def figures(request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def everything(request: web.Request) -> web.Response:
        return web.json_response(await status())

    app = web.Application(middlewares=[] if allow_remote else [_local_names_only])
    app.router.add_get("/health", health)
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", is_ready)
    app.router.add_get("/metrics", figures)
    app.router.add_get("/status", everything)
    return app


@web.middleware
async def _local_names_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page in somebody's browser must not reach this listener under a name of its own (DNS rebinding)."""
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    if host not in LOOPBACK_HOSTS:
        return web.Response(status=421, text="ask for this listener by its loopback address\n")
    return await handler(request)


def _document(report: HealthReport) -> dict[str, object]:
    return {
        "status": report.status.word,
        "checks": {part: [_entry(result)] for part, result in report.checks.items()},
    }


def _entry(result: CheckResult) -> dict[str, object]:
    entry: dict[str, object] = {"status": result.status.word}
    if result.output:
        entry["output"] = result.output
    if result.value is not None:
        entry["observedValue"] = result.value
        entry["observedUnit"] = result.unit
    return entry
