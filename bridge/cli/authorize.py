"""`bridge authorize`: a person gives the bridge access to a system, in a browser."""

import asyncio
import os
import sys
from pathlib import Path

import click

from bridge.app.authorize import Authorised, NotAuthorised, Request, code_of, complete, prepare
from bridge.cli.opened import note
from bridge.cli.requests import send_request
from bridge.settings.load import load_settings
from bridge.settings.model import Settings

RECHECK_SECONDS = 4.0


@click.command(epilog="Example: bridge authorize crm1")
@click.argument("system")
@click.pass_obj
def authorize(path: Path, system: str) -> None:
    """Give the bridge access to SYSTEM: shows an address to open in a browser, and asks for the one you end at."""
    settings = load_settings(path, os.environ)
    request = asyncio.run(prepare(settings, system))
    if isinstance(request, str):
        raise click.ClickException(request)
    try:
        done = asyncio.run(complete(settings, request, _pasted_code(request)))
    except NotAuthorised as error:
        raise click.ClickException(f"{system} is not authorised: {error}") from None
    _report(settings, system, done)
    note(path, "authorize", done.identity.label if done.identity is not None else "done", system=system)
    send_request(
        path,
        "systems check",
        {"system": system},
        seconds=RECHECK_SECONDS,
        alone="next: start `bridge run`",
        silence="a running bridge uses the tokens within five minutes",
    )


def _pasted_code(request: Request) -> str:
    """Return the code that the person brings back from the browser."""
    click.echo(
        f"1. Open this address, sign in to {request.system} as the user that the bridge shall work as, and agree:\n"
    )
    click.echo(f"   {request.address}\n")
    click.echo(f"2. The browser then goes to {request.redirect} (your app must be registered with exactly this")
    click.echo("   redirect address; no page has to be shown there). Paste the whole address from the browser:\n")
    return code_of(sys.stdin.readline(), request.state)


def _report(settings: Settings, system: str, done: Authorised) -> None:
    if done.identity is None:
        click.echo(f"{system} is authorised and the tokens are stored, but the account did not answer: {done.reason}")
    else:
        user = f", as user {done.identity.user}" if done.identity.user else ""
        click.echo(f"{system} is authorised: {done.identity.label}{user}")
    if done.rights:
        click.echo(f"rights: {done.rights}")
    sides = [side for side, name in settings.sides.items() if name == system]
    if not sides:
        click.echo(f"no side is bound to {system} yet: add one below `sides` in the settings")
