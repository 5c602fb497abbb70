"""The two listeners of a running bridge: bound, guarded, and shown in health and metrics."""

import logging
import resource
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any

from aiohttp import web

from bridge.admin.api import Desk
from bridge.admin.live import Live
from bridge.admin.login import Login, session_key, token_of
from bridge.admin.operation import Role
from bridge.admin.routes import Front, admin_app
from bridge.app.build import Bridge
from bridge.app.checks import ready
from bridge.app.status import status_of
from bridge.callbacks.connections import Connections, End, Limits
from bridge.callbacks.listener import Listener
from bridge.callbacks.routes import SERVER, callback_app
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.late import late
from bridge.monitoring.health import CheckResult, Status
from bridge.monitoring.metrics import Metrics
from bridge.monitoring.redaction import Redactor

# ---- The file descriptors of the process: strangers' connections leave enough for everything else ----


RESERVE = 200
"""For the store (two files and their logs, or twelve connections), outgoing calls, the admin listener and files."""

ADMIN = 32
OUTGOING = 100


@dataclass(frozen=True, slots=True)
class Shares:
    """The highest number of open connections of each kind. `limit`: how many descriptors the process may have."""

    limit: int
    callbacks: int
    admin: int
    outgoing: int


def shares(wanted: int, limit: int | None = None) -> Shares:
    """Return the shares of `limit` descriptors (None: this process's limit). `callbacks` is `wanted` if that fits."""
    if limit is None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = soft if soft != resource.RLIM_INFINITY else wanted + RESERVE
    return Shares(
        limit=limit,
        callbacks=max(1, min(wanted, max(limit - RESERVE, limit // 4))),
        admin=max(2, min(ADMIN, limit // 8)),
        outgoing=max(2, min(OUTGOING, limit // 5)),
    )


# ---- The listeners ----


log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
RECENT_SECONDS = 60.0
OPERATIONS = ("bridge.app.desk.table", "operations")
"""Imported at the first request for the API or a page."""
ADMIN_ANSWER_SECONDS = 60.0  # figures and status may be long, and the network to their reader slow


async def listen(stack: AsyncExitStack, bridge: Bridge, redactor: Redactor, places: Shares) -> None:
    """Bind both listeners. Leaving the stack stops them. Raises ConfigError for addresses that cannot be bound."""
    callbacks, admin = bridge.settings.callbacks, bridge.settings.admin
    if places.callbacks < callbacks.max_connections:
        told = {"connections": places.callbacks, "set": callbacks.max_connections, "open_files": places.limit}
        log.warning("fewer connections than callbacks.max_connections; raise the limit of open files", extra=told)
    public_app = callback_app(
        bridge.receiver, max_body_bytes=callbacks.max_body_bytes, body_seconds=callbacks.body_seconds
    )
    public_limits = Limits(
        places.callbacks, callbacks.head_seconds, callbacks.idle_seconds, answer_seconds=callbacks.body_seconds
    )
    listener = await _bound(stack, bridge, "callbacks", public_app, public_limits, SERVER)
    await _start(listener, callbacks.host, callbacks.port)
    private_app = admin_app(
        bridge.board,
        bridge.metrics,
        lambda: ready(bridge),
        lambda: status_of(bridge.store),
        hosts=(admin.host, *admin.hosts),
        redact=redactor,
        front=front_of(bridge, redactor),
    )
    listener = await _bound(
        stack,
        bridge,
        "admin",
        private_app,
        Limits(places.admin, answer_seconds=ADMIN_ANSWER_SECONDS),
        {"auto_decompress": False},
    )
    await _start(listener, admin.host, admin.port)


def front_of(bridge: Bridge, redactor: Redactor) -> Front:
    """Build the API and the pages, with the people who may use them."""
    settings, clock, store = bridge.settings, bridge.seams.clock, bridge.store
    login = Login(
        tokens=[token_of(one.name, one.role, one.secret.get_secret_value()) for one in settings.admin.tokens],
        this_machine=Role[settings.admin.this_machine.upper()],
        session_seconds=settings.admin.session_minutes * 60,
        key=session_key(settings.instance_secret.get_secret_value()),
        now=lambda: clock.now().timestamp(),
        new_id=bridge.seams.new_id,
    )
    desk = Desk(lambda: late(*OPERATIONS)(bridge), login, redactor, store.audit)
    return Front(desk, Live(store.figures.pulse, clock), settings.instance, version("sync-bridge"))


async def _bound(
    stack: AsyncExitStack, bridge: Bridge, name: str, app: web.Application, limits: Limits, served: Mapping[str, Any]
) -> Listener:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE_SECONDS, **served)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    assert runner.server is not None
    clock, metrics = bridge.seams.clock, bridge.metrics
    connections = Connections(limits, clock.monotonic, lambda reason: metrics.connection_ended(name, reason.value))
    listener = Listener(name, runner.server, connections, clock, served)
    stack.push_async_callback(listener.stop)
    bridge.board.add(f"{name} listener", _check(listener, metrics))
    return listener


async def _start(listener: Listener, host: str, port: int) -> None:
    try:
        await listener.start(host, port)
    except OSError as error:
        remedy = f"free the address, or change {listener.name}.host and {listener.name}.port"
        what = error.strerror or str(error)
        raise ConfigError([Problem(f"{listener.name}: {host}:{port}", what, remedy)]) from None


def _check(listener: Listener, metrics: Metrics) -> Callable[[], Any]:
    async def check() -> CheckResult:
        metrics.connections.labels(listener.name).set(len(listener.connections))
        metrics.connections_limit.labels(listener.name).set(listener.connections.limits.connections)
        return state_of(listener)

    return check


def state_of(listener: Listener) -> CheckResult:
    """Return the listener's health: a warning for RECENT_SECONDS after connections had to wait, were closed or
    refused."""
    connections, since = listener.connections, listener.clock.monotonic() - RECENT_SECONDS
    number, places = len(connections), connections.limits.connections
    refused, gave_way = connections.ended[End.REFUSED], connections.ended[End.GAVE_WAY]
    if not listener.accepting:
        return CheckResult(Status.FAIL, "accepts no connections; restart the bridge", number, "connections")
    if listener.exhausted_at > since:
        text = "the process has no file descriptors left; raise its limit (ulimit -n, LimitNOFILE) and restart"
    elif refused.last_at > since:
        text = f"all {places} connections are in use; {refused.count} connections since the start got 503"
    elif gave_way.last_at > since:
        text = f"all {places} connections were in use; {gave_way.count} slow connections since the start were closed"
    else:
        return CheckResult(Status.PASS, f"{number} of {places} connections are in use", number, "connections")
    return CheckResult(Status.WARN, text, number, "connections")
