"""`bridge test` and `bridge explain`: try mapping files without writing anything."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bridge.app.build import connected
from bridge.app.plan import Plan, checked
from bridge.app.rehearsal import checked_mappings, of_file, read_record, written_record
from bridge.cli.shown import json_option, print_json, say
from bridge.connectors.lines import read_whole
from bridge.connectors.registry import CONNECTORS
from bridge.domain.errors import ConfigError, Problem, RemoteError
from bridge.domain.guess import did_you_mean
from bridge.domain.record import SIDES, Fields, Gone, RecordRef, Side
from bridge.domain.text_file import write_text
from bridge.mapping.examples import run_tests
from bridge.mapping.explain import explain as explained
from bridge.mapping.model import Mapping
from bridge.mapping.round_trip import round_trips
from bridge.settings.model import Settings
from bridge.settings.parts import mapping_files


@click.command("test", epilog="Example: bridge test mappings")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--functions", type=click.Path(path_type=Path), help="Your file of functions, if PATH is given.")
@click.option("--round-trip", is_flag=True, help="Also show the round-trip check of every field rule.")
@click.option("--laws", is_flag=True, hidden=True, deprecated="Use --round-trip.")
@json_option
@click.pass_obj
def rehearse(
    settings_path: Path, path: Path | None, functions: Path | None, round_trip: bool, laws: bool, as_json: bool
) -> None:
    """Run the examples in mapping files: those of PATH (a file or folder), or of the settings' folder.

    PATH needs no settings file. Every example runs in each direction that its mapping writes. Exit code 1: one failed.
    """
    round_trip = round_trip or laws
    if path is None:
        path, functions = mapping_files(settings_path, os.environ)
    mappings = of_file(checked_mappings(path, functions), path)
    results = run_tests(mappings)
    failed = sum(not result.passed for result in results)
    untested = [mapping.name for mapping in mappings if not mapping.examples]
    if as_json:
        shown = [
            {
                "mapping": result.mapping,
                "example": result.name,
                "direction": result.direction,
                "place": str(result.place),
                "passed": result.passed,
                "differences": [str(one) for one in result.differences],
            }
            for result in results
        ]
        told = [str(check) for check in _round_trips(mappings)] if round_trip else []
        print_json({"tests": shown, "failed": failed, "without tests": untested, "round trip": told})
        sys.exit(1 if failed else 0)
    for result in results:
        click.echo(f"{'ok   ' if result.passed else 'FAIL '} {result}")
    for check in _round_trips(mappings) if round_trip else ():
        click.echo(f"round trip  {check}")
    if untested:
        click.echo(f"no tests: {', '.join(untested)}")
    click.echo(f"{len(results)} examples, {failed} failed")
    sys.exit(1 if failed else 0)


def _round_trips(mappings: list[Mapping]) -> list[str]:
    """Return the round-trip checks, rule by rule. A rule that loses values without `lossy` was rejected before."""
    return [f"{mapping.name}.{check}" for mapping in mappings for check in round_trips(mapping)]


def file_or_record(_ctx: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    """Accept a file, or a record in three words."""
    if len(words) in (1, 3):
        return words
    raise click.BadParameter("write a JSON file, or a live record as SIDE ENTITY ID (crm deal 7)")


@click.command(epilog="Example: bridge explain mappings/people.yaml ana.json, or bridge explain people crm person 7")
@click.argument("mapping")
@click.argument("record", nargs=-1, required=True, metavar="FILE | SIDE ENTITY ID", callback=file_or_record)
@click.option("--side", default=None, help="The side of the record in FILE; default: the first side of the mapping.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Also write the record to this file.")
@click.option(
    "--mappings", type=click.Path(path_type=Path), help="A mapping file or folder; default: the folder of the settings."
)
@click.option(
    "--functions", type=click.Path(path_type=Path), help="Your file of functions, if no settings file names it."
)
@json_option
@click.pass_obj
def explain(settings_path: Path, /, mapping: str, record: tuple[str, ...], **options: Any) -> None:
    """Show rule by rule what MAPPING makes of a record, from a JSON FILE or read from its system. Writes nothing.

    MAPPING is a name, or a mapping file, which needs no settings file. To read a record from its system, the command
    needs the settings' credentials.
    """
    side, save, as_json = options["side"], options["save"], options["as_json"]
    chosen = _chosen(settings_path, mapping, options["mappings"], options["functions"])
    which = _side(chosen, side) if side is not None else Side.LEFT
    if len(record) == 3:
        which = _end(chosen, *record[:2])
        fields = asyncio.run(_live(*checked(settings_path, os.environ), chosen.name, which, record[2]))
    elif not Path(record[0]).exists() and Path(record[0]).suffix != ".json":
        remedy = "write a JSON file, or a live record as SIDE ENTITY ID (crm deal 7)"
        raise ConfigError([Problem(record[0], "there is no such file", remedy)])
    else:
        facts = CONNECTORS[chosen.side(which).product].manifest.entities[chosen.side(which).entity]
        fields = read_record(Path(record[0]), facts)
    if save is not None:
        write_text(save, written_record(fields) + "\n")
    whole, rows = explained(chosen, which, fields)
    if as_json:
        told = [
            {"field": row.field, "rule": row.rule, "before": row.before, "means": row.value, "after": row.after}
            | {"why": row.why}
            for row in rows
        ]
        print_json({"mapping": chosen.name, "side": chosen.side(which).name, "record": whole, "rules": told})
        return
    say(whole)
    for row in rows:
        say(f"  {row}")


def _chosen(settings_path: Path, mapping: str, folder: Path | None, functions: Path | None) -> Mapping:
    """Return the mapping with this name, or the only one of a file."""
    file = Path(mapping)
    if folder is None and (file.is_file() or file.suffix == ".yaml"):
        found = of_file(checked_mappings(file, functions), file)
        if len(found) != 1:
            names = ", ".join(one.name for one in found)
            raise ConfigError([Problem(mapping, f"contains {names or 'no mapping'}", "name one, with --mappings FILE")])
        return found[0]
    if folder is None:
        folder, functions = mapping_files(settings_path, os.environ)
    return _mapping(checked_mappings(folder, functions), mapping)


def _end(mapping: Mapping, side: str, entity: str) -> Side:
    """Return the side of a mapping that has this entity."""
    which = _side(mapping, side)
    if mapping.side(which).entity != entity:
        what = f"mapping {mapping.name} has no {entity} of {side}"
        raise ConfigError([Problem(f"{side} {entity}", what, f"write {side} {mapping.side(which).entity}")])
    return which


def _mapping(mappings: Sequence[Mapping], name: str) -> Mapping:
    for mapping in mappings:
        if mapping.name == name:
            return mapping
    raise ConfigError(
        [Problem(name, "no mapping has this name", did_you_mean(name, [mapping.name for mapping in mappings]))]
    )


def _side(mapping: Mapping, name: str) -> Side:
    sides = {mapping.side(side).name: side for side in SIDES}
    if name not in sides:
        raise ConfigError([Problem(f"side {name}", f"mapping {mapping.name} has no such side", " or ".join(sides))])
    return sides[name]


async def _live(settings: Settings, plan: Plan, mapping: str, side: Side, record: str) -> Fields:
    """Return the record as the product shows it now."""
    if mapping not in plan.scopes:
        raise ConfigError([Problem(mapping, "is not a mapping of the settings", did_you_mean(mapping, plan.scopes))])
    endpoint = plan.scopes[mapping].endpoint(side)
    ref = RecordRef(endpoint.system, endpoint.entity, record)
    try:
        async with connected(settings) as connectors:
            lines = plan.mappings[mapping].line_columns(side)
            found = await read_whole(connectors[endpoint.system], ref, lines)
    except RemoteError as error:
        raise click.ClickException(f"{ref.system} {ref.entity} {ref.id} cannot be read: {error}") from None
    if isinstance(found, Gone):
        raise click.ClickException(f"there is no {ref.entity} {ref.id} in {ref.system}")
    return found.fields
