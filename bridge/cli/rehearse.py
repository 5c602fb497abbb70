"""Commands that try mapping files without writing anything: test and explain."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from bridge.app.connected import connected
from bridge.app.plan import Plan, checked
from bridge.app.rehearsal import checked_mappings, of_file, read_record, written_record
from bridge.connectors.registry import CONNECTORS
from bridge.domain.errors import ConfigError, Fault, RemoteError
from bridge.domain.guess import did_you_mean
from bridge.domain.record import Fields, Gone, RecordRef, Side
from bridge.domain.text_file import write_text
from bridge.mapping.examples import run_tests
from bridge.mapping.explain import explain as explained
from bridge.mapping.laws import law_report
from bridge.mapping.model import Mapping
from bridge.settings.model import Settings
from bridge.settings.parts import mapping_files


@click.command("test")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--functions", type=click.Path(path_type=Path), help="Your file of functions, where PATH is given.")
@click.option("--laws", is_flag=True, help="Also show how every row was tried for there and back.")
@click.pass_obj
def rehearse(settings_path: Path, path: Path | None, functions: Path | None, laws: bool) -> None:
    """Run the tests of mapping files: of PATH (a file or folder), or of the settings' folder.

    Every example crosses in each direction its mapping writes. Exit code 1 when one comes out otherwise.
    """
    if path is None:
        path, functions = mapping_files(settings_path, os.environ)
    mappings = of_file(checked_mappings(path, functions), path)
    results = run_tests(mappings)
    failed = sum(not result.passed for result in results)
    for result in results:
        click.echo(f"{'ok   ' if result.passed else 'FAIL '} {result}")
    if laws:
        _laws(mappings)
    untested = [mapping.name for mapping in mappings if not mapping.examples]
    if untested:
        click.echo(f"no tests: {', '.join(untested)}")
    click.echo(f"{len(results)} crossings tested, {failed} came out otherwise")
    sys.exit(1 if failed else 0)


def _laws(mappings: list[Mapping]) -> None:
    """There and back, row by row; a row that loses values and does not say so never gets here."""
    for mapping in mappings:
        for law in law_report(mapping):
            click.echo(f"law   {mapping.name}.{law}")


@click.command()
@click.argument("mapping")
@click.argument("record")
@click.option("--side", default=None, help="The side the record is from; left out: the first one of the mapping.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Also write the record to this file.")
@click.option(
    "--mappings", type=click.Path(path_type=Path), help="A mapping file or folder; else that of the settings."
)
@click.option("--functions", type=click.Path(path_type=Path), help="Your file of functions, where --mappings is given.")
@click.pass_obj
def explain(
    settings_path: Path,
    mapping: str,
    record: str,
    side: str | None,
    save: Path | None,
    mappings: Path | None,
    functions: Path | None,
) -> None:
    """Tell row by row what MAPPING makes of RECORD: a JSON file, or the id of a live record. Nothing is written.

    For a file nothing but the mapping files is needed; a live record is read with the settings' credentials.
    """
    if mappings is None:
        mappings, functions = mapping_files(settings_path, os.environ)
    chosen, which = _mapping(checked_mappings(mappings, functions), mapping), Side.LEFT
    if side is not None:
        which = _side(chosen, side)
    facts = CONNECTORS[chosen.side(which).product].manifest.entities[chosen.side(which).entity]
    file = Path(record)
    if file.exists() or file.suffix == ".json" or file.name != record:
        fields = read_record(file, facts)
    else:
        fields = asyncio.run(_live(*checked(settings_path, os.environ), mapping, which, record))
    if save is not None:
        write_text(save, written_record(fields) + "\n")
    whole, rows = explained(chosen, which, fields)
    click.echo(whole)
    for row in rows:
        click.echo(f"  {row}")


def _mapping(mappings: Sequence[Mapping], name: str) -> Mapping:
    for mapping in mappings:
        if mapping.name == name:
            return mapping
    raise ConfigError(
        [Fault(name, "no mapping has this name", did_you_mean(name, [mapping.name for mapping in mappings]))]
    )


def _side(mapping: Mapping, name: str) -> Side:
    sides = {mapping.side(side).name: side for side in Side}
    if name not in sides:
        raise ConfigError([Fault(f"--side {name}", f"mapping {mapping.name} has no such side", " or ".join(sides))])
    return sides[name]


async def _live(settings: Settings, plan: Plan, mapping: str, side: Side, record: str) -> Fields:
    """The record as the product shows it now."""
    if mapping not in plan.scopes:
        raise ConfigError([Fault(mapping, "is no mapping of the settings", did_you_mean(mapping, plan.scopes))])
    endpoint = plan.scopes[mapping].endpoint(side)
    ref = RecordRef(endpoint.system, endpoint.entity, record)
    try:
        async with connected(settings) as connectors:
            found = await connectors[endpoint.system].read(ref)
    except RemoteError as error:
        raise click.ClickException(f"{ref.system} {ref.entity} {ref.id} cannot be read: {error}") from None
    if isinstance(found, Gone):
        raise click.ClickException(f"there is no {ref.entity} {ref.id} in {ref.system}, nor a file of that name")
    return found.fields
