"""`bridge dead-letters`: records that need a person."""

from pathlib import Path

import click

from bridge.app.waiting import known_code
from bridge.app.wording import moment, record_name
from bridge.cli.opened import known_scopes, with_store
from bridge.cli.requests import queueable, send_request
from bridge.cli.shown import json_option, show
from bridge.store.engine import Store


@click.group("dead-letters", epilog="Example: bridge dead-letters list")
def dead_letters() -> None:
    """Records that need a person."""


@dead_letters.command("list", epilog="Example: bridge dead-letters list --mapping deals")
@click.option("--mapping", default=None, help="Only those of this mapping.")
@json_option
@click.pass_obj
def dead_letters_list(path: Path, mapping: str | None, as_json: bool) -> None:
    """List every dead letter with its reason."""

    async def work(store: Store) -> list[dict[str, object]]:
        letters = await store.dead_letters.list(mapping)
        scopes = await known_scopes(store, None if letters else mapping)
        return [
            {
                "mapping": task.key.mapping,
                "record": record_name(scopes, task.key),
                "since": "never" if task.first_due is None else moment(task.first_due),
                "attempts": task.attempts,
                "code": known_code(task.code),
                "reason": task.reason,
            }
            for task, _ in letters
        ]

    show(with_store(path, work), as_json, "no dead letters")


def all_or_one(_ctx: click.Context, _parameter: click.Parameter, which: tuple[str, ...]) -> tuple[str, ...]:
    """Accept no words, a mapping, or a record in three words."""
    if len(which) in (0, 1, 3):
        return which
    raise click.BadParameter("write nothing, a mapping, or a record as SIDE ENTITY ID (crm deal 7)")


@dead_letters.command("retry", epilog="Example: bridge dead-letters retry crm deal 7")
@click.argument("which", nargs=-1, metavar="[MAPPING | SIDE ENTITY ID]", callback=all_or_one)
@queueable
@click.pass_obj
def dead_letters_retry(path: Path, which: tuple[str, ...], queue: bool) -> None:
    """Try dead letters again: all, those of MAPPING, or those of one record."""
    one = dict(zip(("side", "entity", "record"), which, strict=True)) if len(which) == 3 else None
    send_request(path, "dead-letters retry", one or {"mapping": which[0] if which else None}, queue=queue)


@dead_letters.command("discard", epilog="Example: bridge dead-letters discard crm deal 7")
@click.argument("side")
@click.argument("entity")
@click.argument("record")
@queueable
@click.pass_obj
def dead_letters_discard(path: Path, side: str, entity: str, record: str, queue: bool) -> None:
    """Discard a dead letter. A later change of the record is synced again."""
    send_request(path, "dead-letters discard", {"side": side, "entity": entity, "record": record}, queue=queue)
