"""`bridge init PAIR`: a folder of your own with the shipped mapping files and a settings file to fill in."""

from collections.abc import Container
from pathlib import Path

import click

from bridge.app.adding import extended_settings, left_out, sides_of
from bridge.app.shipped import SCHEMA, shipped_pairs, shipped_schema
from bridge.app.starter import starting_settings
from bridge.domain.errors import ConfigError, Fault
from bridge.domain.text_file import make_folder, read_text, write_text
from bridge.mapping.load import load_mappings
from bridge.settings.parts import mapping_files


@click.command()
@click.argument("pair", required=False)
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
def init(pair: str | None, folder: Path) -> None:
    """Copy the shipped mapping files of PAIR into FOLDER/mappings, and write FOLDER/bridge.yaml and their schema.

    A further pair is added to what is there: its systems and sides to the settings, its files beside the others. What
    other mappings keep in sync already is left out. Without PAIR: list the pairs there are. No mapping file that exists
    is ever overwritten, and nothing that stands in the settings is changed.
    """
    pairs = shipped_pairs()
    if pair is None:
        for name, source in pairs.items():
            click.echo(f"{name}: {', '.join(mapping.name for mapping in load_mappings(source))}")
        return
    if pair not in pairs:
        raise ConfigError([Fault(pair, "no mapping files are shipped for this pair", f"known: {', '.join(pairs)}")])
    settings = folder / "bridge.yaml"
    texts = _texts(pair, pairs[pair], folder, settings)
    for path, text in texts.items():
        make_folder(path.parent)
        write_text(path, text)
        click.echo(f"wrote {path}")
    if texts:
        click.echo(f"now fill in {settings}, then: bridge --settings {settings} check")


def _texts(pair: str, source: Path, folder: Path, settings: Path) -> dict[Path, str]:
    """What is to be written; says what is left out. Raises ConfigError before anything is."""
    mappings = load_mappings(source)
    beside = mapping_files(settings, {})[0] if settings.exists() else folder / "mappings"
    present = load_mappings(beside) if beside.is_dir() and any(beside.rglob("*.yaml")) else ()
    out = left_out(present, mappings)
    texts = {beside / file.name: file.read_text(encoding="utf-8") for file in _files(source, out)}
    remedy = "move it away, or choose another folder"
    if there := [Fault(str(path), "is there already", remedy) for path in texts if path.exists()]:
        raise ConfigError(there)
    for name in sorted(out):
        click.echo(f"left out {name}: the mappings that are there keep its records in sync already")
    chosen = [mapping for mapping in mappings if mapping.name not in out]
    if not chosen:
        return {}
    if settings.exists():
        text = extended_settings(settings, sides_of(chosen))
        texts |= {settings: text} if text != read_text(settings) else {}
    else:
        texts[settings] = starting_settings(pair, sides_of(chosen))
    return texts if (folder / SCHEMA).exists() else {**texts, folder / SCHEMA: shipped_schema()}


def _files(folder: Path, out: Container[str]) -> list[Path]:
    """A shipped mapping has a file of its own, called like it."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.stem not in out)
