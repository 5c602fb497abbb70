"""`bridge doctor`: checks every part, and says what to do about each finding. It changes nothing.

It reports what health, `bridge check --live` and the store say, without a judgement of its own. `doctor_live` calls the
vendors.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from bridge.app.build import Bridge, build
from bridge.app.checks import add_checks, quota
from bridge.app.doctor_live import live_findings
from bridge.app.finding import Finding, remedy_of
from bridge.app.plan import Plan, checked
from bridge.app.quotas import budgets_of, in_words
from bridge.app.secrets import seal_of
from bridge.app.status import instance_state
from bridge.app.wording import moment
from bridge.connectors.protocols import HttpRequest, Transport, TransportFailed
from bridge.connectors.transport import http_transport
from bridge.domain.errors import BridgeError, ConfigError, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, Status
from bridge.settings.model import Settings
from bridge.settings.parts import store_url
from bridge.store.engine import Store, open_store
from bridge.store.figures import State
from bridge.store.model import ON_PURPOSE

CHECK_WRITES = "store"
"""The part of health that writes to the store."""
IN_MEMORY = frozenset({CHECK_WRITES, "instance secret", "listings", "alert delivery"})
"""Parts of health that only a running bridge knows."""
BY_SYSTEM = frozenset({"hooks", "quota"})
"""Parts of health that the doctor reports system by system."""
SPEAKING = frozenset({"waiting", "duplicates", "references"})
"""Parts of health whose texts name records."""
NEEDED_BYTES = 512 * 2**20
LEAST_BYTES = 64 * 2**20
CLOCK_WARN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found. `settings` and `plan` are None if the settings have problems."""

    findings: tuple[Finding, ...]
    settings: Settings | None
    plan: Plan | None

    @property
    def status(self) -> Status:
        """The worst status of all findings."""
        return max((one.status for one in self.findings), default=Status.PASS)


async def examine(path: Path, environ: Mapping[str, str], seams: Seams, *, live: bool) -> Examined:
    """Check every part. What cannot be checked because of a problem is left out; the rest is still checked."""
    findings: list[Finding] = []
    told = frozenset[str]()
    settings: Settings | None = None
    plan: Plan | None = None
    try:
        settings, plan = checked(path, environ)
        findings.append(Finding("settings", Status.PASS, f"{path} and {len(plan.mappings)} mappings have no problems"))
    except ConfigError as error:
        findings += [Finding("settings", Status.FAIL, f"{one.where}: {one.what}", one.remedy) for one in error.problems]
        told = frozenset(one.what for one in error.problems)
    async with AsyncExitStack() as stack:
        store, problems = await _opened(stack, path, environ, seams, settings)
        findings += [Finding("store", Status.FAIL, one.what, one.remedy) for one in problems if one.what not in told]
        if store is not None:
            findings += await _store(store)
            findings.append(await _running(store))
        if store is not None and settings is not None and plan is not None:
            transport = await stack.enter_async_context(http_transport())
            bridge = build(settings, seams, store, transport, plan)
            findings += await _parts(bridge, transport)
            if live:
                await bridge.keeper.refresh()
                findings += await live_findings(settings, plan, store, seams, bridge.keeper.addresses)
    return Examined(tuple(findings), settings, plan)


async def _opened(
    stack: AsyncExitStack,
    path: Path,
    environ: Mapping[str, str],
    seams: Seams,
    settings: Settings | None,
) -> tuple[Store | None, list[Problem]]:
    """Return the store, or why it cannot be opened. Its address is found even if the settings have other problems."""
    seal = None if settings is None else seal_of(settings)
    try:
        store = await open_store(store_url(path, environ), seams, existing=True, seal=seal)
    except ConfigError as error:
        return None, error.problems
    stack.push_async_callback(store.close)
    return store, []


async def _store(store: Store) -> list[Finding]:
    try:
        state = await store.vitals.state()
    except BridgeError as error:
        return [Finding("store", Status.FAIL, str(error), "check that the database answers and its disk is not full")]
    findings = [Finding("store", Status.PASS, f"schema {state.schema}, as this program needs ({state.version})")]
    if state.problems:
        text = f"the file is damaged: {'; '.join(state.problems)}"
        remedy = "stop the bridge, keep a copy of the file, and restore a backup (docs/backup.md)"
        findings.append(Finding("integrity", Status.FAIL, text, remedy))
    elif state.file is not None:
        findings.append(Finding("integrity", Status.PASS, "the whole file was read, and it is not damaged"))
    findings.append(_room(state))
    offset = abs(store.database.offset)
    if not store.database.sqlite:
        late = offset > CLOCK_WARN_SECONDS
        text = f"the clocks of this machine and the database differ by {offset:.1f} s"
        remedy = "synchronise both clocks by NTP" if late else ""
        findings.append(Finding("clock", Status.WARN if late else Status.PASS, text, remedy))
    return findings


def _room(state: State) -> Finding:
    size = f"the store has {_megabytes(state.bytes)}"
    if state.file is None:
        return Finding("disk", Status.PASS, f"{size}, on the database server's disk")
    free = shutil.disk_usage(state.file.absolute().parent).free
    text = f"{size}, and {_megabytes(free)} are free beside it"
    if free < LEAST_BYTES:
        return Finding("disk", Status.FAIL, text, "make room: callbacks get 503 when the disk is full")
    if free < max(NEEDED_BYTES, 2 * state.bytes):
        return Finding("disk", Status.WARN, text, "make room, or lower retention.journal_days in the settings")
    return Finding("disk", Status.PASS, text)


def _megabytes(number: int) -> str:
    return f"{number / 2**20:,.1f} MB"


async def _running(store: Store) -> Finding:
    found, now = await store.instances.all(), store.now()
    running = [one for one in found if one.runs(now)]
    if running:
        return Finding("bridge", Status.PASS, f"{len(running)} running, since {moment(running[0].started_at)}")
    if found and store.instances.is_mute(found[0]):
        text = f"runs, but its store has accepted no writes since {moment(found[0].seen_at)}"
        return Finding("bridge", Status.FAIL, text, "see the finding `store`")
    text = instance_state(found[0] if found else None, now)
    return Finding("bridge", Status.FAIL, text, "start `bridge run`")


async def _parts(bridge: Bridge, transport: Transport) -> list[Finding]:
    """Return the parts of health: those in the store, and those that only a running bridge knows."""
    add_checks(bridge)
    report = await bridge.board.report(without=IN_MEMORY | BY_SYSTEM)
    findings = [_of_part(part, one) for part, one in report.checks.items()]
    findings += [await _hooks(bridge, name) for name in sorted(bridge.connectors)]
    findings += [await _quota(bridge, name) for name in sorted(bridge.connectors)]
    instances = await bridge.store.instances.all()
    if any(one.runs(bridge.store.now()) or bridge.store.instances.is_mute(one) for one in instances):
        findings += await _of_running_bridge(bridge.settings, transport, known=report.checks.keys())
    return findings


def _of_part(part: str, result: CheckResult) -> Finding:
    """Return a part of health as a finding. Texts that name an account or records are marked: bug reports leave them
    out."""
    well = result.status is Status.PASS
    remedy = "" if well else remedy_of(part, result.system)
    return Finding(part, result.status, result.output, remedy, speaks=part in SPEAKING or bool(well and result.system))


async def _hooks(bridge: Bridge, system: str) -> Finding:
    """Compare the wanted hooks with those seen at the last audit."""
    wanted, rows = bridge.keeper.keys(system), {row.key: row for row in await bridge.store.hooks.all(system)}
    part = f"hooks {system}"
    if not wanted:
        return Finding(part, Status.PASS, "none is needed")
    there = [key for key in sorted(wanted) if key in rows and rows[key].state == "registered"]
    last_at = max((rows[key].delivered_at or 0.0 for key in there), default=0.0)
    last = f"the last callback came {bridge.store.now() - last_at:.0f} s ago" if last_at else "no callback has come yet"
    stopped = sorted(key for key in wanted if key in rows and rows[key].state in ON_PURPOSE)
    text = f"{len(there)} of {len(wanted) - len(stopped)} wanted hooks were seen at the last audit; {last}"
    lost = sorted(wanted - set(there) - set(stopped))
    if stopped:
        text += f"; stopped on purpose: {', '.join(f'{key} ({rows[key].note})' for key in stopped)}"
        text += f" (`bridge hooks start {system} {stopped[0]}` starts it again)"
    if lost:
        notes = {rows[key].note for key in lost if key in rows and rows[key].note}
        why = f" ({'; '.join(sorted(notes))})" if notes else ""
        return Finding(part, Status.WARN, f"{text}; missing: {', '.join(lost)}{why}", remedy_of("hooks"))
    return Finding(part, Status.PASS, text)


async def _quota(bridge: Bridge, system: str) -> Finding:
    """Report what the vendor allows, as far as it is known."""
    part, found = f"quota {system}", (await budgets_of(bridge.store, bridge.plan.scopes)).get(system)
    pause = await bridge.store.budgets.paused(system)
    used = in_words(found) if found is not None else ""
    stands = quota({system: found} if found is not None else {})
    if pause is not None:
        text = f"the vendor wants no calls for another {pause[0]:.0f} s ({pause[2]})"
        return Finding(part, Status.WARN, f"{text}{f'; {used}' if used else ''}", f"wait, or `bridge resume {system}`")
    if stands.status is not Status.PASS:
        return Finding(part, stands.status, f"{stands.output}; {used}", remedy_of("quota"))
    if found is not None and found.account.day is not None and found.account.day.left < 0.1 * found.account.day.limit:
        return Finding(part, Status.WARN, used, remedy_of("quota"))
    return Finding(part, Status.PASS, used or "the vendor asks for no pause")


def _token_rejected(address: str, known: bool) -> Finding:
    """Report that the running bridge was started with other tokens than those of the settings."""
    of_ours = (
        "does not accept the first token of these settings" if known else "needs a token, and these settings have none"
    )
    remedy = "restart `bridge run`, so that it uses the current admin.tokens"
    return Finding("admin token", Status.WARN, f"the bridge that listens at {address} {of_ours}", remedy)


async def _of_running_bridge(settings: Settings, transport: Transport, known: Iterable[str]) -> list[Finding]:
    """Return what the running bridge reports about the parts in its memory. If it has tokens, it needs one of them."""
    host = settings.admin.host if settings.admin.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.admin.port}/health"
    remedy = "check that admin.host and admin.port are those the bridge was started with, or restart it"
    try:
        tokens = [one.secret.get_secret_value() for one in settings.admin.tokens]
        headers = {"Authorization": f"Bearer {tokens[0]}"} if tokens else {}
        answer = await transport.send(HttpRequest("GET", address, headers, timeout_seconds=5.0))
        if answer.status in (401, 403):
            return [_token_rejected(address, known=bool(tokens))]
        checks = json.loads(answer.body)["checks"]
    except (TransportFailed, ValueError, KeyError, TypeError) as error:
        why = str(error) if isinstance(error, TransportFailed) else "its answer is not a health report"
        return [Finding("admin listener", Status.WARN, f"{address} cannot be read: {why}", remedy)]
    words = {status.word: status for status in Status}
    told = {
        part: CheckResult(words.get(one[0].get("status"), Status.WARN), str(one[0].get("output", "")))
        for part, one in sorted(checks.items())
        if part not in known and part not in BY_SYSTEM and one
    }
    if CHECK_WRITES in told and told[CHECK_WRITES].status is Status.PASS:
        del told[CHECK_WRITES]  # `_store` reported it
    return [_of_part(part, result) for part, result in told.items()]
