"""What a running bridge reloads without a restart: its mapping files, and the modes of mappings."""

import logging
import os
from collections.abc import Mapping

from bridge.app.build import Bridge
from bridge.app.plan import make_plan
from bridge.domain.errors import ConfigError
from bridge.settings.model import MappingSettings, Settings
from bridge.settings.parts import mapping_modes

log = logging.getLogger(__name__)


async def reload(bridge: Bridge, environ: Mapping[str, str] | None = None) -> list[str]:
    """Reload mapping files and modes. If there is a problem, it is reported and the old files and modes stay in use.

    Returns the problems. `environ`: None means the environment of the process.
    """
    try:
        settings = _with_modes(bridge.settings, os.environ if environ is None else environ)
        plan = make_plan(settings)
    except ConfigError as error:
        for problem in error.problems:
            log.error("mapping files or modes are wrong, the old ones stay in use", extra={"problem": str(problem)})
        bridge.refused = [str(problem) for problem in error.problems]
        return list(bridge.refused)
    bridge.refused = ()
    before = {name: scope.mode for name, scope in bridge.plan.scopes.items()}
    bridge.settings = settings
    await bridge.adopt(plan)
    log.info("mapping files reloaded", extra={"mappings": len(plan.mappings)})
    for name, scope in plan.scopes.items():
        if before.get(name) not in (None, scope.mode):
            log.warning("a mapping changed its mode", extra={"mapping": name, "mode": scope.mode.value})
    await bridge.reconciler.index()
    await bridge.keeper.audit()
    return []


def _with_modes(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Return the settings with the modes that are in the file now. Everything else needs a restart."""
    path = settings.places.path
    if not path.exists():
        return settings
    default, modes = mapping_modes(path, environ)
    chosen = {name: MappingSettings.model_validate({"mode": mode}) for name, mode in modes.items()}
    return settings.model_copy(update={"default_mode": default, "mappings": chosen})
