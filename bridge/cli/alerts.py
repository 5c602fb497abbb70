"""`bridge alerts test`: checks whether a message reaches the targets of the settings."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import click

from bridge.alerts.message import Message
from bridge.alerts.watch import sender
from bridge.app.plan import checked
from bridge.domain.errors import BridgeError, ConfigError, Problem
from bridge.domain.guess import did_you_mean
from bridge.monitoring.health import Status
from bridge.settings.model import AlertTargetSettings, Settings


@click.group(epilog="Example: bridge alerts test mail")
def alerts() -> None:
    """Test the messages about the bridge's health, by webhook, e-mail and the like."""


@alerts.command(epilog="Example: bridge alerts test mail")
@click.argument("target", required=False)
@click.pass_obj
@click.pass_context
def test(ctx: click.Context, path: Path, target: str | None) -> None:
    """Send a test message to TARGET, or to all targets of the settings, and say whether it was accepted.

    A message that a service accepted may still be lost, so check that it arrived. Quiet hours do not matter.
    """
    settings, _ = checked(path, os.environ)
    if not asyncio.run(_sent(settings, _chosen(settings, target))):
        ctx.exit(1)


def _chosen(settings: Settings, name: str | None) -> Sequence[AlertTargetSettings]:
    targets = {target.name: target for target in settings.alerts.targets}
    if not targets:
        raise ConfigError([Problem("alerts.targets", "there is no target", "add one; see docs/monitoring.md")])
    if name is None:
        return list(targets.values())
    if name not in targets:
        raise ConfigError([Problem(name, "no alert target has this name", did_you_mean(name, targets))])
    return [targets[name]]


async def _sent(settings: Settings, targets: Sequence[AlertTargetSettings]) -> bool:
    body = "This is a test from `bridge alerts test`. The bridge's alerts will arrive here."
    message = Message(f"{settings.instance}: test message", body, Status.PASS)
    reached = True
    for target in targets:
        try:
            await sender(target.url.get_secret_value())(message)
        except BridgeError as error:
            reached = False
            click.echo(f"{target.name}: not delivered: {error}", err=True)
        else:
            click.echo(f"{target.name}: the message was accepted; check that it arrived")
    return reached
