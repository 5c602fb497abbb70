"""`bridge check --live`: compares the mappings with the accounts' real columns. It only reads."""

import asyncio
from collections.abc import Mapping

from bridge.app.build import build_connectors
from bridge.app.plan import Plan
from bridge.app.renewal import renewal
from bridge.app.secrets import seal_of
from bridge.connectors.protocols import Connector
from bridge.connectors.registry import MANIFESTS, OPTIONS
from bridge.connectors.transport import http_transport
from bridge.domain.catalog import ColumnSpec
from bridge.domain.errors import NeedsAuthorisation, Problem, RemoteError
from bridge.domain.seams import Seams
from bridge.mapping.check import check_live
from bridge.monitoring.metrics import Metrics
from bridge.settings.load import validate_options
from bridge.settings.model import Settings
from bridge.store.engine import open_store

READ_SECONDS = 45.0
"""For all entities of one system, including the waits for its rate limit."""
Columns = dict[tuple[str, str], Mapping[str, ColumnSpec]]


async def live_problems(settings: Settings, seams: Seams, plan: Plan) -> list[Problem]:
    """Return every problem. A system that does not answer is one; its mappings are checked only against its
    manifest."""
    seal = seal_of(settings)
    store = await open_store(settings.store.url, seams, seal=seal)  # a token that is renewed must be stored
    try:
        async with http_transport() as transport:
            connectors = build_connectors(settings, seams, store, transport, Metrics())
            columns, problems = await account_columns(settings, plan, connectors)
    finally:
        await store.close()
    return [*problems.values(), *check_live(plan.mappings.values(), MANIFESTS, columns, settings.sides)]


async def account_columns(
    settings: Settings, plan: Plan, connectors: Mapping[str, Connector]
) -> tuple[Columns, dict[str, Problem]]:
    """Return the columns that each bound account reports, by side name and entity; and why others were not read, by
    system.

    Two accounts of one product may have different custom fields, so the product alone is not enough.
    """
    columns: Columns = {}
    problems: dict[str, Problem] = {}
    names = {system: [name for name, bound in settings.sides.items() if bound == system] for system in plan.entities}
    for system, entities in sorted(plan.entities.items()):
        try:
            async with asyncio.timeout(READ_SECONDS):
                for entity in sorted(entities):
                    found = await connectors[system].columns(entity)
                    columns |= {(name, entity): found for name in names[system]}
        except NeedsAuthorisation as error:
            options = validate_options(settings, OPTIONS)[system]
            what = f"its account refuses the credentials: {error.reason}"
            problems[system] = Problem(f"system {system}", what, renewal(settings, system, options))
        except RemoteError as error:
            what = f"its columns could not be read: {error.message}"
            problems[system] = Problem(
                f"system {system}", what, "correct its options in the settings, or try again later"
            )
        except TimeoutError:
            what = f"its columns could not be read: no answer within {READ_SECONDS:.0f} s"
            problems[system] = Problem(
                f"system {system}", what, "try again later, or correct its address in the settings"
            )
    return columns, problems
