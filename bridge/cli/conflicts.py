"""`bridge conflicts`: fields for which a person chooses one side's value."""

from pathlib import Path

import click

from bridge.app import why
from bridge.cli.opened import known_scopes, with_store
from bridge.cli.requests import queueable, send_request
from bridge.cli.shown import json_option, show
from bridge.domain.record import SIDES, Side
from bridge.store.engine import Store
from bridge.store.model import Endpoint
from bridge.store.standing import OpenConflict


@click.group(epilog="Example: bridge conflicts list")
def conflicts() -> None:
    """Fields that both sides changed and whose field rules say `conflict: ask`."""


@conflicts.command("list", epilog="Example: bridge conflicts list --mapping deals")
@click.option("--mapping", default=None, help="Only those of this mapping.")
@json_option
@click.pass_obj
def conflicts_list(path: Path, mapping: str | None, as_json: bool) -> None:
    """List every field that waits for a choice: both values, and who changed each one when."""

    async def work(store: Store) -> list[dict[str, object]]:
        scopes, rows = await known_scopes(store, mapping), list[dict[str, object]]()
        for question in await store.conflicts.waiting(mapping):
            known = scopes.get(question.link.mapping)
            if known is not None:
                one, other = (_shown(known.endpoint(side), question, side) for side in SIDES)
                chosen = f"{known.endpoint(question.chosen).name} was chosen" if question.chosen else ""
                row = {"mapping": question.link.mapping, "field": question.field}
                who = "; ".join(why.edit_lines(question.edited))
                rows.append({**row, "one side": one, "other side": other, "edited": who, "chosen": chosen})
        return rows

    after = "choose with `bridge conflicts choose SIDE ENTITY RECORD FIELD WINNER`"
    show(with_store(path, work), as_json, "no conflicts wait for a choice", after)


def _shown(side: Endpoint, question: OpenConflict, which: Side) -> str:
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
    """Choose the value of side WINNER for FIELD (or `all`) of a record, for both sides.

    The choice is valid only while both sides show the values that it was made on.
    """
    arguments = {"side": side, "entity": entity, "record": record, "field": field, "winner": winner}
    send_request(path, "conflicts choose", arguments, queue=queue)
