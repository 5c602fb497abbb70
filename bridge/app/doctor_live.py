"""What `bridge doctor --live` reads at the vendors: clock, credentials, rights, hooks, columns; and the public address.

It only reads. The calls count against the budget. A renewed token is stored, because it would be lost otherwise.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from bridge.app.build import build_connectors, hook_policies
from bridge.app.finding import Finding, remedy_of
from bridge.app.live import account_columns
from bridge.app.plan import Plan
from bridge.app.renewal import renewal
from bridge.connectors.protocols import Connector, HttpRequest, HttpResponse, Transport
from bridge.connectors.registry import MANIFESTS, OPTIONS
from bridge.connectors.transport import http_transport
from bridge.domain.address import Addresses
from bridge.domain.errors import BridgeError, NeedsAuthorisation
from bridge.domain.seams import TRUSTED_SKEW_SECONDS, Seams, epoch
from bridge.hooks.compare import compare
from bridge.hooks.public_url import public_url_problem
from bridge.mapping.check import check_live
from bridge.monitoring.health import Status
from bridge.monitoring.metrics import Metrics
from bridge.settings.load import validate_options
from bridge.settings.model import Settings
from bridge.store.engine import Store
from bridge.store.model import STOPPED

SKEW_WARN_SECONDS = 30.0
ADDRESS = "try again later, or correct the address in the system's options"


@dataclass(slots=True)
class Timed:
    """A transport that notes for each host how far the vendor's clock differs from ours. `skews`: seconds, by host;
    positive if theirs is ahead. The vendor's header has whole seconds and the call takes time, so this is the smallest
    possible difference."""

    inner: Transport
    seams: Seams
    skews: dict[str, float] = field(default_factory=dict)

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
            findings.append(replace(account, speaks=True))
            if account.status is not Status.FAIL:
                rights = await _rights(settings, name, connector, sorted(plan.entities.get(name, ())))
                findings.append(replace(rights, speaks=True))
                findings.append(await _hooks(settings, plan, store, name, connector, addresses))
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


async def _hooks(
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
