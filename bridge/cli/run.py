"""`bridge run`: the daemon."""

import asyncio
import os
from pathlib import Path

import click

from bridge.app.daemon import run as run_daemon
from bridge.app.plan import checked
from bridge.app.seams import system_seams
from bridge.app.secrets import register_secrets
from bridge.monitoring.logs import setup_logging
from bridge.monitoring.redaction import Redactor
from bridge.runtime.service import ServiceManager


@click.command(epilog="Example: bridge --settings mine/bridge.yaml run")
@click.pass_obj
def run(settings_path: Path) -> None:
    """Run the bridge until it is stopped (SIGTERM). SIGHUP reloads mapping files and modes."""
    settings, plan = checked(settings_path, os.environ)
    redactor = Redactor()
    register_secrets(settings, redactor)
    setup_logging(settings.log.level, settings.log.format, redactor)
    seams = system_seams()
    service = ServiceManager(os.environ, seams.clock, os.getpid())
    asyncio.run(run_daemon(settings, seams, redactor, service, plan))
