"""Commands that show what the store holds: status, hooks, conflicts, dead letters, what waits, and why."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from bridge.app.hook_rows import hook_rows
from bridge.app.status import status_of
from bridge.app.waiting import known_code, waiting_rows
from bridge.app.why import named, why_facts, why_lines
from bridge.app.wording import moment, record_name
from bridge.cli.ask import ask, must_run, queueable
from bridge.cli.opened import known_scopes, with_store
from bridge.cli.shown import json_option, print_json, table_of
from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.store.engine import Store
from bridge.store.model import Endpoint
from bridge.store.standing import Question

Rows = list[dict[str, object]]


@click.command(epilog="Example: bridge status --json")
@json_option
@click.pass_obj
def status(path: Path, as_json: bool) -> None:
    """What is in sync, what waits and why, and what needs a person."""
    found = with_store(path, status_of)
    if as_json:
        print_json(found)
        return
    for heading, rows in found.items():
        click.echo(f"\n{heading}" if rows else f"\n{heading}: none")
        if rows:
            table_of(rows)


def show(rows: Sequence[dict[str, object]], as_json: bool, none: str, after: str = "") -> None:
    """Print rows as a table or as JSON. `none`: what is said when there are none; `after`: below the table."""
    if as_json:
        print_json(rows)
    elif rows:
        table_of(rows)
        if after:
            click.echo(after)
    else:
        click.echo(none)


@click.group(epilog="Example: bridge hooks list")
def hooks() -> None:
    """Our registrations at the vendors."""


@hooks.command("list", epilog="Example: bridge hooks list --json")
@json_option
@click.pass_obj
def hooks_list(path: Path, as_json: bool) -> None:
    """Every hook as last seen, and how reliable it was: what callbacks reported, and what only sweeps found."""
    after = (
        "reported: changes that callbacks reported, up to 30 s late; missed: changes that only a sweep found, up to "
        "15 min late (docs/operations.md)"
    )
    show(
        with_store(path, lambda store: hook_rows(store, ids=True)),
        as_json,
        "no hooks are known; `bridge run` registers them",
        after,
    )


@hooks.command("repair", epilog="Example: bridge hooks repair")
@queueable
@click.pass_obj
def hooks_repair(path: Path, queue: bool) -> None:
    """Compare wanted and seen hooks now, and repair them."""
    ask(path, "hooks repair", {}, queue=queue)


@hooks.command("remove", epilog="Example: bridge hooks remove --yes")
@click.option("--yes", is_flag=True, help="Do not ask back.")
@queueable
@click.pass_obj
def hooks_remove(path: Path, yes: bool, queue: bool) -> None:
    """Remove this instance's hooks (never those of others)."""
    if not queue:
        must_run(path)
    if not yes:
        click.confirm("Remove this instance's hooks at every system?", abort=True)
    ask(path, "hooks remove", {}, queue=queue)


@hooks.command("rotate", epilog="Example: bridge hooks rotate pipedrive --overlap 48")
@click.argument("system")
@click.option(
    "--overlap",
    type=click.FloatRange(0, 8760),
    default=24.0,
    show_default=True,
    help="For how many hours old addresses are taken in; 0: only until each hook has moved.",
)
@queueable
@click.pass_obj
def hooks_rotate(path: Path, system: str, overlap: float, queue: bool) -> None:
    """Give every hook of SYSTEM a new address and secret: the new one is registered before the old one goes."""
    ask(path, "hooks rotate", {"system": system, "overlap": overlap}, queue=queue)


@hooks.command("stop", epilog='Example: bridge hooks stop pipedrive any.deal --reason "an import until Friday"')
@click.argument("system")
@click.argument("hook")
@click.option("--reason", default="", help="Shown by status, health and the page Hooks.")
@queueable
@click.pass_obj
def hooks_stop(path: Path, system: str, hook: str, reason: str, queue: bool) -> None:
    """Remove HOOK at SYSTEM and leave it so; sweeps carry the changes meanwhile."""
    ask(path, "hooks stop", {"system": system, "hook": hook, "reason": reason}, queue=queue)


@hooks.command("start", epilog="Example: bridge hooks start pipedrive any.deal")
@click.argument("system")
@click.argument("hook")
@queueable
@click.pass_obj
def hooks_start(path: Path, system: str, hook: str, queue: bool) -> None:
    """Register HOOK at SYSTEM again that was stopped on purpose, here or at the vendor."""
    ask(path, "hooks start", {"system": system, "hook": hook}, queue=queue)


@click.group(epilog="Example: bridge conflicts list")
def conflicts() -> None:
    """Fields both sides changed, whose field rules say `conflict: ask`."""


@conflicts.command("list", epilog="Example: bridge conflicts list --mapping deals")
@click.option("--mapping", default=None, help="Only those of this mapping.")
@json_option
@click.pass_obj
def conflicts_list(path: Path, mapping: str | None, as_json: bool) -> None:
    """Every field that waits for a choice, with both values."""

    async def work(store: Store) -> Rows:
        scopes, rows = await known_scopes(store, mapping), Rows()
        for question in await store.conflicts.waiting(mapping):
            known = scopes.get(question.link.mapping)
            if known is not None:
                one, other = (_shown(known.endpoint(side), question, side) for side in Side)
                chosen = f"{known.endpoint(question.chosen).name} was chosen" if question.chosen else ""
                row = {"mapping": question.link.mapping, "field": question.field}
                rows.append({**row, "one side": one, "other side": other, "chosen": chosen})
        return rows

    after = "choose with `bridge conflicts choose SIDE ENTITY RECORD FIELD WINNER`"
    show(with_store(path, work), as_json, "no conflicts wait for a choice", after)


def _shown(side: Endpoint, question: Question, which: Side) -> str:
    value = question.values.get(side.name)
    return f"{side.name} {side.entity} {question.link.record_id(which)}: {'(empty)' if value is None else value}"


@conflicts.command("choose", epilog="Example: bridge conflicts choose crm deal 7 amount erp")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@click.argument("field")
@click.argument("winner")
@queueable
@click.pass_obj
def conflicts_choose(path: Path, side: str, entity: str, record: str, field: str, winner: str, queue: bool) -> None:
    """Take the value of side WINNER for FIELD (or `all`) of a record, on both sides.

    The choice holds only as long as both sides show the values it was made on.
    """
    arguments = {"side": side, "entity": entity, "record": record, "field": field, "winner": winner}
    ask(path, "conflicts choose", arguments, queue=queue)


@click.command(epilog="Example: bridge waiting deals --json")
@click.argument("mapping", required=False)
@json_option
@click.pass_obj
def waiting(path: Path, mapping: str | None, as_json: bool) -> None:
    """Every record that waits, of MAPPING or of all: since when, why, and when it is looked at next."""

    async def work(store: Store) -> tuple[Rows, str]:
        scopes = await known_scopes(store, None)
        rows = await waiting_rows(store, scopes, mapping)
        if not rows:
            await known_scopes(store, mapping)
        running = any(one.runs(store.now()) for one in await store.instances.all())
        return rows, "" if running or not rows else "\nno bridge runs here: nothing is looked at until `bridge run`"

    rows, note = with_store(path, work)
    after = "`bridge why` with the name of a record tells its story; docs/troubleshooting.md says what each code needs"
    show(rows, as_json, "nothing waits", after + note)


@click.group("dead-letters", epilog="Example: bridge dead-letters list")
def dead_letters() -> None:
    """Records that need a person."""


@dead_letters.command("list", epilog="Example: bridge dead-letters list --mapping deals")
@click.option("--mapping", default=None, help="Only those of this mapping.")
@json_option
@click.pass_obj
def dead_letters_list(path: Path, mapping: str | None, as_json: bool) -> None:
    """Every dead letter with its reason."""

    async def work(store: Store) -> Rows:
        letters = await store.dead_letters.list(mapping)
        scopes = await known_scopes(store, None if letters else mapping)
        return [
            {
                "mapping": task.key.mapping,
                "record": record_name(scopes, task.key),
                "since": _when(task.first_due),
                "attempts": task.attempts,
                "code": known_code(task.code),
                "reason": task.reason,
            }
            for task, _ in letters
        ]

    show(with_store(path, work), as_json, "no dead letters")


def all_or_one(_ctx: click.Context, _parameter: click.Parameter, which: tuple[str, ...]) -> tuple[str, ...]:
    """Nothing, a mapping, or a record in three words."""
    if len(which) in (0, 1, 3):
        return which
    raise click.BadParameter("write nothing, a mapping, or a record as SIDE ENTITY ID (crm deal 7)")


@dead_letters.command("retry", epilog="Example: bridge dead-letters retry crm deal 7")
@click.argument("which", nargs=-1, metavar="[MAPPING | SIDE ENTITY ID]", callback=all_or_one)
@queueable
@click.pass_obj
def dead_letters_retry(path: Path, which: tuple[str, ...], queue: bool) -> None:
    """Try again: all, those of MAPPING, or those about one record."""
    one = dict(zip(("side", "entity", "record"), which, strict=True)) if len(which) == 3 else None
    ask(path, "dead-letters retry", one or {"mapping": which[0] if which else None}, queue=queue)


@dead_letters.command("discard", epilog="Example: bridge dead-letters discard crm deal 7")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@queueable
@click.pass_obj
def dead_letters_discard(path: Path, side: str, entity: str, record: str, queue: bool) -> None:
    """Give one up; a later change of the record brings it back."""
    ask(path, "dead-letters discard", {"side": side, "entity": entity, "record": record}, queue=queue)


@click.command(epilog="Example: bridge why crm deal 7, or bridge why ana@x.example")
@click.argument("record", nargs=-1, required=True, metavar="SIDE ENTITY ID | NAME")
@json_option
@click.pass_obj
def why(path: Path, record: tuple[str, ...], as_json: bool) -> None:
    """Tell a record's story: what happened to it, how it stands, and what happens next.

    A record is named SIDE ENTITY ID, or by a name or an e-mail address it holds. Where several hold it you are asked
    which one; where nobody can answer, they are listed and the exit code is 1.
    """
    name = record if len(record) == 3 else _by_name(path, " ".join(record))
    if len(name) != 3:
        raise click.ClickException(f"{' '.join(record)}: no record that the store knows holds this")
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
        click.echo(line)


def _is_no_id(text: str) -> bool:
    """Three words without quotes may be a name: `bridge why Ana Maria Lund`."""
    return not any(letter.isdigit() for letter in text)


async def _facts(store: Store, side: str, entity: str, record: str) -> list[dict[str, object]]:
    return await why_facts(store, await store.mappings.scopes(), side, entity, record)


def _by_name(path: Path, words: str) -> tuple[str, ...]:
    """The record that holds these words as SIDE, ENTITY and ID; a person is asked which where there are several."""

    async def work(store: Store) -> list[dict[str, str]]:
        return await named(store, await known_scopes(store, None), words)

    found = with_store(path, work)
    if len(found) > 1:
        rows = [{"": str(number), **one} for number, one in enumerate(found, 1)]
        click.echo(f"{len(found)} records hold {words!r}:", err=True)
        for row in rows:
            linked = f", linked to {row['linked to']}" if row["linked to"] else ""
            click.echo(f"  {row['']:>2}  {row['record']}{linked}  {row['found by']}", err=True)
        if not sys.stdin.isatty():
            raise click.ClickException(f"say which one, as in `bridge why {found[0]['record']}`")
        number = click.prompt("which one", type=click.IntRange(1, len(found)), err=True)
        found = [found[number - 1]]
    return tuple(found[0][part] for part in ("side", "entity", "id")) if found else ()


def _when(seconds: float | None) -> str:
    return "never" if seconds is None else moment(seconds)
