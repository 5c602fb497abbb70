"""`bridge doctor`: checks every part, and says what to do about each finding. It changes nothing.

It reports what health, `bridge check --live` and the store say, without a judgement of its own. With `--live` it also
calls the vendors. These calls only read, and count against the budget. A renewed token is stored, because it would be
lost otherwise.
"""

import asyncio
import dataclasses
import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from bridge.app.authorize import renewal
from bridge.app.build import Bridge, build, build_connectors, hook_policies
from bridge.app.checks import add_checks, quota
from bridge.app.columns import account_columns
from bridge.app.finding import Finding, remedy_of
from bridge.app.plan import Plan, checked
from bridge.app.quotas import budgets_of, in_words
from bridge.app.secrets import seal_of
from bridge.app.status import instance_state
from bridge.app.wording import moment
from bridge.connectors.protocols import Connector, HttpRequest, HttpResponse, Transport, TransportFailed
from bridge.connectors.registry import MANIFESTS, OPTIONS
from bridge.connectors.transport import http_transport
from bridge.domain.address import Addresses
from bridge.domain.errors import BridgeError, ConfigError, NeedsAuthorisation, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.seams import TRUSTED_SKEW_SECONDS, Seams, epoch
from bridge.hooks.compare import compare
from bridge.hooks.public_url import public_url_problem
from bridge.mapping.check import check_live
from bridge.monitoring.health import CheckResult, Status
from bridge.monitoring.metrics import Metrics
from bridge.settings.load import validate_options
from bridge.settings.model import Settings
from bridge.settings.parts import store_url
from bridge.store.engine import Store, open_store
from bridge.store.figures import State
from bridge.store.model import ON_PURPOSE, STOPPED

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


# ---- At the vendors (`--live`): clock, credentials, rights, hooks, columns; and the public address ----


SKEW_WARN_SECONDS = 30.0
ADDRESS = "try again later, or correct the address in the system's options"


@dataclasses.dataclass(slots=True)
class Timed:
    """A transport that notes for each host how far the vendor's clock differs from ours. `skews`: seconds, by host;
    positive if theirs is ahead. The vendor's header has whole seconds and the call takes time, so this is the smallest
    possible difference."""

    inner: Transport
    seams: Seams
    skews: dict[str, float] = dataclasses.field(default_factory=dict)

    async def send(self, request: HttpRequest) -> HttpResponse:
        before = epoch(self.seams.clock.now())
        answer = await self.inner.send(request)
        said = answer.headers.get("date", "")
        try:
            theirs = epoch(parsedate_to_datetime(said))
        except (TypeError, ValueError):
            return answer
        now = epoch(self.seams.clock.now())
        ahead, behind = (
            theirs - now,
            before - (theirs + 1.0),
        )  # their header has whole seconds, and they answered while we waited
        self.skews[urlsplit(request.url).netloc] = ahead if ahead > 0 else -max(0.0, behind)
        return answer


async def live_findings(
    settings: Settings, plan: Plan, store: Store, seams: Seams, addresses: Addresses
) -> list[Finding]:
    """Check one system after the other. One that does not answer hides nothing about the others.

    `addresses`: the current ones.
    """
    findings: list[Finding] = []
    async with http_transport() as plain:
        transport = Timed(plain, seams)
        connectors = build_connectors(settings, seams, store, transport, Metrics())
        for name, connector in sorted(connectors.items()):
            transport.skews.clear()
            account = await _account(settings, store, name, connector)
            findings.append(dataclasses.replace(account, speaks=True))
            if account.status is not Status.FAIL:
                rights = await _rights(settings, name, connector, sorted(plan.entities.get(name, ())))
                findings.append(dataclasses.replace(rights, speaks=True))
                findings.append(await _live_hooks(settings, plan, store, name, connector, addresses))
            findings += [_clock(name, skew) for skew in list(transport.skews.values())[:1]]
        findings += await _columns(settings, plan, connectors)
        findings.append(await _address(settings, plan, connectors, plain, seams, addresses))
    return findings


async def _account(settings: Settings, store: Store, name: str, connector: Connector) -> Finding:
    part = f"credentials {name}"
    try:
        async with asyncio.timeout(settings.sync.write_seconds):
            identity = await connector.identity()
    except NeedsAuthorisation as error:
        options = validate_options(settings, OPTIONS)[name]
        return Finding(part, Status.FAIL, f"refused: {error.reason}", renewal(settings, name, options))
    except BridgeError as error:
        return Finding(part, Status.FAIL, str(error), ADDRESS)
    except TimeoutError:
        return Finding(part, Status.FAIL, "no answer in time", ADDRESS)
    known = (await store.systems.get(name)).identity_key
    if known is not None and known != identity.key:
        return Finding(
            part,
            Status.FAIL,
            f"they belong to another account: {identity.label}",
            "use the credentials of the former account",
        )
    user = f" as {identity.user}" if identity.user else ""
    return Finding(part, Status.PASS, f"valid for {identity.label}{user}")


async def _rights(settings: Settings, name: str, connector: Connector, entities: list[str]) -> Finding:
    """Read a page of each entity. Whether records may be written only shows in a write."""
    part, wrong = f"rights {name}", list[str]()
    for entity in entities:
        try:
            async with asyncio.timeout(settings.sync.write_seconds):
                await connector.list(entity, since=None, page=None, where={})
        except BridgeError as error:
            wrong.append(f"{entity}: {error}")
        except TimeoutError:
            wrong.append(f"{entity}: no answer in time")
    if wrong:
        remedy = "give the account the right to read them, or try again later"
        return Finding(part, Status.FAIL, f"cannot be listed: {'; '.join(wrong)}", remedy)
    return Finding(
        part, Status.PASS, f"{', '.join(entities)} can be listed; only the first write shows the right to write"
    )


async def _live_hooks(
    settings: Settings, plan: Plan, store: Store, name: str, connector: Connector, addresses: Addresses
) -> Finding:
    """Compare the hooks that are at the vendor now with the wanted ones."""
    part, entities = f"hooks at {name}", plan.sources.get(name, frozenset())
    if connector.manifest.polled:
        return Finding(part, Status.PASS, "the product sends no callbacks: sweeps find every change")
    policy = hook_policies(settings)[name]
    off = policy.off | {row.key for row in await store.hooks.all(name) if row.state == STOPPED}
    wanted = [spec for spec in (connector.hooks_for(entities) if entities else ()) if spec.key not in off]
    respected = {spec.key for spec in wanted} if policy.respect else set[str]()
    try:
        seen = await connector.list_hooks()
    except BridgeError as error:
        return Finding(part, Status.WARN, f"they cannot be listed: {error}", remedy_of("hooks"))
    if seen is None:
        return Finding(part, Status.PASS, "the vendor lists no hooks: sweeps show whether callbacks come")
    found = compare(name, wanted, seen, addresses, respected)
    text = f"{len(found.keep)} of {len(wanted)} wanted hooks are registered"
    if found.deactivated:
        text += f", deactivated on purpose: {', '.join(sorted(found.deactivated))}"
    if found.missing or found.remove:
        missing = ", ".join(spec.key for spec in found.missing)
        told = [f"missing: {missing}"] if missing else []
        told += [f"{len(found.remove)} hooks of this bridge are old, stopped or duplicates"] if found.remove else []
        return Finding(part, Status.WARN, "; ".join([text, *told]), remedy_of("hooks"))
    return Finding(part, Status.PASS, text)


def _clock(name: str, skew: float) -> Finding:
    part, apart = f"clock {name}", abs(skew)
    text = f"the vendor's clock is {apart:.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    if apart < 1:
        text = "the vendor's clock and this machine's agree"
    remedy = "synchronise this machine's clock by NTP"
    if apart > TRUSTED_SKEW_SECONDS:
        return Finding(part, Status.FAIL, f"{text}: the bridge does not accept the vendor's times of edits", remedy)
    if apart > SKEW_WARN_SECONDS:
        return Finding(part, Status.WARN, text, remedy)
    return Finding(part, Status.PASS, text)


async def _columns(settings: Settings, plan: Plan, connectors: Mapping[str, Connector]) -> list[Finding]:
    """Check fields, options and lengths as `bridge check --live` does."""
    columns, unread = await account_columns(settings, plan, connectors)
    problems = [*unread.values(), *check_live(plan.mappings.values(), MANIFESTS, columns, settings.sides)]
    if not problems:
        return [Finding("fields and options", Status.PASS, "the accounts have everything that the mappings name")]
    return [Finding("fields and options", Status.FAIL, f"{one.where}: {one.what}", one.remedy) for one in problems]


async def _address(
    settings: Settings,
    plan: Plan,
    connectors: Mapping[str, Connector],
    transport: Transport,
    seams: Seams,
    addresses: Addresses,
) -> Finding:
    """Check whether callbacks reach this bridge, as the running bridge does before it registers hooks."""
    for name, connector in sorted(connectors.items()):
        for spec in connector.hooks_for(plan.sources.get(name, frozenset())) if plan.sources.get(name) else ():
            problem = await public_url_problem(transport, addresses, addresses.url(name, spec.key), seams.new_id())
            if problem is None:
                return Finding("public address", Status.PASS, f"{settings.public_url} leads to this bridge")
            remedy = "check that `bridge run` listens, and that DNS, TLS and the proxy lead /hooks/ to it"
            return Finding("public address", Status.FAIL, problem, remedy)
    return Finding("public address", Status.PASS, "no callback is needed")
