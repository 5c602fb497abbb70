"""`bridge forget`: erases a person's data from store and journal, and prevents that it is copied again."""

import asyncio
from pathlib import Path

import click

from bridge.app.why import places
from bridge.app.wording import moment
from bridge.cli.opened import note, with_store
from bridge.domain.errors import StoreUnavailable
from bridge.domain.record import RecordRef
from bridge.store.engine import Store
from bridge.store.model import Scope
from bridge.store.retention import Erased, InUse

WAIT_SECONDS = 60.0
"""How long to wait for a worker that has claimed the record; most end sooner."""
Scopes = dict[str, Scope]


@click.command(epilog="Example: bridge forget crm person 42")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--take-back", is_flag=True, help="Allow the record to be copied again; erased data stays erased.")
@click.pass_obj
def forget(path: Path, side: str, entity: str, record: str, yes: bool, take_back: bool) -> None:
    """Erase all data that the bridge stores about a record and its counterparts: SIDE ENTITY ID, as in `crm person 42`.

    The records at the products stay as they are. The bridge unlinks them and never copies them again.
    """
    if take_back:
        told = with_store(path, lambda store: _taken_back(store, side, entity, record))
        note(path, "forget --take-back", told, side=side, entity=entity, record=record)
        click.echo(told)
        return
    scopes, held = with_store(path, lambda store: _held(store, side, entity, record))
    names = ", ".join(_name(scopes, ref) for ref in held.records)
    if not yes:
        for line in _lines(held):
            click.echo(line)
        click.confirm(f"Erase this data of {names} permanently? Nothing changes at the products.", abort=True)
    erased, told = with_store(path, lambda store: _erased(store, side, entity, record))
    note(path, "forget", f"erased, with {sum(erased.rows.values())} rows; no id is kept", entity=entity, side=side)
    for line in _lines(erased):
        click.echo(line)
    command = f"bridge forget {side} {entity} {record} --take-back"
    click.echo(f"erased; the bridge does not copy {names} again (`{command}` allows it again)")
    click.echo(told)


def _lines(erased: Erased) -> list[str]:
    if not erased.rows:
        return ["the store has no data about it"]
    width = max(len(str(number)) for number in erased.rows.values())
    return [f"  {str(number).rjust(width)}  {name}" for name, number in erased.rows.items()]


def _ref(scopes: Scopes, side: str, entity: str, record: str) -> RecordRef:
    scope, which = places(scopes, side, entity)[0]
    return scope.endpoint(which).ref(record)


def _name(scopes: Scopes, ref: RecordRef) -> str:
    for scope in scopes.values():
        for end in (scope.left, scope.right):
            if (end.system, end.entity) == (ref.system, ref.entity):
                return f"{end.name} {ref.entity} {ref.id}"
    return str(ref)


async def _held(store: Store, side: str, entity: str, record: str) -> tuple[Scopes, Erased]:
    scopes = await store.mappings.scopes()
    return scopes, await store.forgotten.held(scopes, _ref(scopes, side, entity, record))


async def _erased(store: Store, side: str, entity: str, record: str) -> tuple[Erased, str]:
    scopes, alone = await store.mappings.scopes(), not await store.instances.running()
    ref, until = _ref(scopes, side, entity, record), store.now() + WAIT_SECONDS
    while True:
        try:
            erased = await store.forgotten.erase(scopes, ref, alone=alone)
            break
        except InUse as error:
            if store.now() > until:
                raise click.ClickException(f"nothing was erased: {error}; try again later") from error
        await asyncio.sleep(0.2)
    return erased, await _scrubbed(store)


async def _scrubbed(store: Store) -> str:
    try:
        await store.database.scrub()
    except StoreUnavailable as error:
        return f"{error}; old copies may still be in them: run the command again at a quiet time"
    if store.database.sqlite:
        return "the store's file was rewritten and no longer contains the erased values"
    return "dead rows were vacuumed; erase the server's own log and backups yourself (docs/personal-data.md)"


async def _taken_back(store: Store, side: str, entity: str, record: str) -> str:
    scopes = await store.mappings.scopes()
    ref = _ref(scopes, side, entity, record)
    at = await store.forgotten.at(ref)
    if at is None or not await store.forgotten.take_back(scopes, ref):
        return f"{side} {entity} {record} was not forgotten"
    command = f"bridge resync {side} {entity} {record}"
    told = f"{side} {entity} {record}, forgotten at {moment(at)}, and its counterparts may be copied again"
    return f"{told}; `{command}` syncs it now"
