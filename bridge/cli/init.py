"""`bridge init PAIR`: a folder of your own with the shipped mapping files and a settings file to fill in."""

from pathlib import Path

import click

from bridge.app.shipped import SCHEMA, shipped_pairs, shipped_schema
from bridge.app.starter import starting_settings
from bridge.domain.errors import ConfigError, Fault
from bridge.domain.record import Side
from bridge.domain.text_file import make_folder, write_text
from bridge.mapping.load import load_mappings


@click.command()
@click.argument("pair", required=False)
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
def init(pair: str | None, folder: Path) -> None:
    """Copy the shipped mapping files of PAIR into FOLDER/mappings, and write FOLDER/bridge.yaml and their schema.

    Without PAIR: list the pairs there are. Files that exist are never overwritten.
    """
    pairs = shipped_pairs()
    if pair is None:
        for name, source in pairs.items():
            click.echo(f"{name}: {', '.join(mapping.name for mapping in load_mappings(source))}")
        return
    if pair not in pairs:
        raise ConfigError([Fault(pair, "no mapping files are shipped for this pair", f"known: {', '.join(pairs)}")])
    mappings = load_mappings(pairs[pair])
    sides = {mapping.side(side).name: mapping.side(side).product for mapping in mappings for side in Side}
    texts = {folder / "mappings" / file.name: file.read_text(encoding="utf-8") for file in _files(pairs[pair])}
    texts[folder / SCHEMA] = shipped_schema()
    texts[folder / "bridge.yaml"] = starting_settings(pair, sides)
    there = [
        Fault(str(path), "is there already", "move it away, or choose another folder")
        for path in texts
        if path.exists()
    ]
    if there:
        raise ConfigError(there)
    make_folder(folder / "mappings")
    for path, text in texts.items():
        write_text(path, text)
        click.echo(f"wrote {path}")
    click.echo(f"now fill in {folder / 'bridge.yaml'}, then: bridge --settings {folder / 'bridge.yaml'} check")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())
