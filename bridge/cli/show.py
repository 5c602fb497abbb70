"""Commands that show what the store holds: status, hooks, conflicts, dead letters, why."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from bridge.app.status import status_of
from bridge.app.waiting import known_code, waiting_rows
from bridge.app.why import why_lines
from bridge.app.wording import moment, record_name
from bridge.cli.ask import ask, must_run, queueable
from bridge.cli.opened import known_scopes, with_store
from bridge.domain.record import Side
from bridge.store.conflicts import Question
from bridge.store.engine import Store
from bridge.store.model import Endpoint


def table(rows: Iterable[Sequence[object]]) -> None:
    """Print rows in columns; the first row is the heading."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[number]) for row in texts) for number in range(len(texts[0]))]
    for row in texts:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def status(path: Path, as_json: bool) -> None:
    """What is in step, what waits and why, and what needs a person."""

    found = with_store(path, status_of)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for heading, rows in found.items():
        click.echo(f"\n{heading}" if rows else f"\n{heading}: none")
        if rows:
            table([list(rows[0]), *(list(row.values()) for row in rows)])


@click.group()
def hooks() -> None:
    """Our registrations at the vendors."""


@hooks.command("list")
@click.pass_obj
def hooks_list(path: Path) -> None:
    """Every hook as last seen."""

    async def work(store: Store) -> list[list[object]]:
        found = await store.hooks.all()
        return [
            [row.system, row.key, row.state, row.vendor_id or "-", _when(row.delivered_at), row.note] for row in found
        ]

    rows = with_store(path, work)
    if rows:
        table([["system", "hook", "state", "id there", "last callback", "note"], *rows])
    else:
        click.echo("no hooks are known; `bridge run` registers them")


@hooks.command("repair")
@queueable
@click.pass_obj
def hooks_repair(path: Path, queue: bool) -> None:
    """Compare wanted and seen hooks now, and mend."""
    ask(path, "hooks repair", {}, queue=queue)


@hooks.command("remove")
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


@hooks.command("rotate")
@click.argument("system")
@click.option("--overlap", default=24.0, show_default=True, help="For how many hours old addresses are taken in.")
@queueable
@click.pass_obj
def hooks_rotate(path: Path, system: str, overlap: float, queue: bool) -> None:
    """Give every hook of SYSTEM a new address and secret: the new one is registered before the old one goes."""
    ask(path, "hooks rotate", {"system": system, "overlap": overlap}, queue=queue)


@click.group()
def conflicts() -> None:
    """Fields both sides changed, in rows that say `conflict: ask`."""


@conflicts.command("list")
@click.option("--mapping", default=None)
@click.pass_obj
def conflicts_list(path: Path, mapping: str | None) -> None:
    """Every field that waits for a choice, with both values."""

    async def work(store: Store) -> list[list[object]]:
        scopes, rows = await known_scopes(store, mapping), list[list[object]]()
        for question in await store.conflicts.waiting(mapping):
            known = scopes.get(question.link.mapping)
            if known is not None:
                shown = [_shown(known.endpoint(side), question, side) for side in Side]
                chosen = f"{known.endpoint(question.chosen).name} was chosen" if question.chosen else ""
                rows.append([question.link.mapping, question.field, *shown, chosen])
        return rows

    rows = with_store(path, work)
    if rows:
        table([["mapping", "field", "one side", "other side", ""], *rows])
        click.echo("choose with `bridge conflicts choose SIDE ENTITY RECORD FIELD WINNER`")
    else:
        click.echo("no conflicts wait for a choice")


def _shown(side: Endpoint, question: Question, which: Side) -> str:
    value = question.values.get(side.name)
    return f"{side.name} {side.entity} {question.link.rec(which)}: {'(empty)' if value is None else value}"


@conflicts.command("choose")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@click.argument("field")
@click.argument("winner")
@queueable
@click.pass_obj
def conflicts_choose(path: Path, side: str, entity: str, record: str, field: str, winner: str, queue: bool) -> None:
    """Take the value of side WINNER for FIELD (or `all`) of a record: `conflicts choose crm deal 7 amount erp`.

    The choice holds only as long as both sides show the values it was made on.
    """
    arguments = {"side": side, "entity": entity, "record": record, "field": field, "winner": winner}
    ask(path, "conflicts choose", arguments, queue=queue)


@click.command()
@click.argument("mapping", required=False)
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def waiting(path: Path, mapping: str | None, as_json: bool) -> None:
    """Every record that waits, of MAPPING or of all: since when, why, and when it is looked at next."""

    async def work(store: Store) -> tuple[list[dict[str, object]], str]:
        scopes = await known_scopes(store, None)
        rows = await waiting_rows(store, scopes, mapping)
        if not rows:
            await known_scopes(store, mapping)
        running = any(one.runs(store.now()) for one in await store.instances.all())
        return rows, "" if running or not rows else "no bridge runs here: nothing is looked at until `bridge run`"

    rows, note = with_store(path, work)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if rows:
        table([list(rows[0]), *(list(row.values()) for row in rows)])
        click.echo(
            "`bridge why` with the name of a record tells its story; docs/operations.md says what each code needs"
        )
    else:
        click.echo("nothing waits")
    if note:
        click.echo(note)


@click.group("dead-letters")
def dead_letters() -> None:
    """Records that need a person."""


@dead_letters.command("list")
@click.option("--mapping", default=None)
@click.pass_obj
def dead_letters_list(path: Path, mapping: str | None) -> None:
    """Every dead letter with its reason."""

    async def work(store: Store) -> list[list[object]]:
        rows: list[list[object]] = []
        letters = await store.dead_letters.list(mapping)
        scopes = await known_scopes(store, None if letters else mapping)
        for task, _ in letters:
            record, code = record_name(scopes, task.key), known_code(task.code)
            rows.append([task.key.mapping, record, _when(task.first_due), task.attempts, code, task.reason])
        return rows

    rows = with_store(path, work)
    if rows:
        table([["mapping", "record", "since", "attempts", "code", "reason"], *rows])
    else:
        click.echo("no dead letters")


@dead_letters.command("retry")
@click.argument("mapping", required=False)
@click.argument("record", required=False)
@queueable
@click.pass_obj
def dead_letters_retry(path: Path, mapping: str | None, record: str | None, queue: bool) -> None:
    """Try again: all, those of MAPPING, or one RECORD of it."""
    ask(path, "dead-letters retry", {"mapping": mapping, "record": record}, queue=queue)


@dead_letters.command("discard")
@click.argument("mapping")
@click.argument("record")
@queueable
@click.pass_obj
def dead_letters_discard(path: Path, mapping: str, record: str, queue: bool) -> None:
    """Give one up; a later change of the record brings it back."""
    ask(path, "dead-letters discard", {"mapping": mapping, "record": record}, queue=queue)


@click.command()
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@click.pass_obj
def why(path: Path, side: str, entity: str, record: str) -> None:
    """Tell a record's story: SIDE ENTITY ID, as in `crm deal 7`."""

    async def work(store: Store) -> list[str]:
        return await why_lines(store, await store.mappings.scopes(), side, entity, record)

    for line in with_store(path, work):
        click.echo(line)


def _when(seconds: float | None) -> str:
    return "never" if seconds is None else moment(seconds)
