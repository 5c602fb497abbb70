"""`bridge why`: the history of one record."""

import sys
from pathlib import Path

import click

from bridge.app.why import named, why_facts, why_lines
from bridge.cli.opened import known_scopes, with_store
from bridge.cli.shown import json_option, print_json, say
from bridge.domain.errors import ConfigError
from bridge.store.engine import Store

UNKNOWN = (
    "no record in the store has this name. `bridge why` knows the names that both sides agreed on. For a record that "
    "has not crossed yet, write SIDE ENTITY ID; `bridge backfill MAPPING` brings in records from before going live"
)


@click.command(epilog="Example: bridge why crm deal 7, or bridge why ana@x.example")
@click.argument("record", nargs=-1, required=True, metavar="SIDE ENTITY ID | NAME")
@json_option
@click.pass_obj
def why(path: Path, record: tuple[str, ...], as_json: bool) -> None:
    """Show a record's history: what happened to it, its current state, and what happens next.

    Name the record by SIDE ENTITY ID, or by its name or e-mail address. If several records have it, the command
    asks which one; without a terminal it lists them and ends with exit code 1.
    """
    name = record if len(record) == 3 else _by_name(path, " ".join(record))
    if len(name) != 3:
        raise click.ClickException(f"{' '.join(record)}: {UNKNOWN}")
    side, entity, ident = name
    if as_json:
        print_json(with_store(path, lambda store: _facts(store, side, entity, ident)))
        return

    async def work(store: Store) -> list[str]:
        return await why_lines(store, await store.mappings.scopes(), side, entity, ident)

    try:
        lines = with_store(path, work)
    except ConfigError:
        name = _by_name(path, " ".join(record)) if _is_no_id(record[2]) else ()
        if len(name) != 3:
            raise
        side, entity, ident = name
        lines = with_store(path, work)
    for line in lines:
        say(line)


def _is_no_id(text: str) -> bool:
    """Whether a text cannot be an id. Three words without quotes may be a name: `bridge why Ana Maria Lund`."""
    return not any(letter.isdigit() for letter in text)


async def _facts(store: Store, side: str, entity: str, record: str) -> list[dict[str, object]]:
    return await why_facts(store, await store.mappings.scopes(), side, entity, record)


def _by_name(path: Path, words: str) -> tuple[str, ...]:
    """Return SIDE, ENTITY and ID of the record that has these words. If there are several, a person chooses."""
    if not words.strip():
        raise click.UsageError("name the record: SIDE ENTITY ID, or its name or e-mail address")

    async def work(store: Store) -> list[dict[str, str]]:
        return await named(store, await known_scopes(store, None), words)

    found = with_store(path, work)
    if len(found) > 1:
        rows = [{"": str(number), **one} for number, one in enumerate(found, 1)]
        click.echo(f"{len(found)} records have {words!r}:", err=True)
        for row in rows:
            linked = f", linked to {row['linked to']}" if row["linked to"] else ""
            click.echo(f"  {row['']:>2}  {row['record']}{linked}  {row['found by']}", err=True)
        if not sys.stdin.isatty():
            raise click.ClickException(f"say which one, as in `bridge why {found[0]['record']}`")
        number = click.prompt("which one", type=click.IntRange(1, len(found)), err=True)
        found = [found[number - 1]]
    return tuple(found[0][part] for part in ("side", "entity", "id")) if found else ()
