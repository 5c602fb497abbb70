"""`bridge backup` and `bridge restore-backup`: the store as one file, and a store from it."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import click

from bridge.app.plan import checked_files
from bridge.app.seams import system_seams
from bridge.app.wording import moment
from bridge.cli.opened import note, with_store
from bridge.domain.errors import ConfigError, Problem
from bridge.mapping.model import Mapping as RecordMapping
from bridge.settings.parts import mapping_files, store_url
from bridge.store.backup import Backup, Written, back_up, restore, unwritable

SHOWN = {
    "links": ("link", "links"),
    "tasks": ("record", "records"),
    "events": ("event", "events"),
    "journal": ("journal entry", "journal entries"),
}
"""By table: the words for one row and for several rows."""


@click.command(epilog="Example: bridge backup backup-monday.gz")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(path: Path, file: Path) -> None:
    """Write the whole store to FILE, as of one moment, while the bridge runs.

    The file has the same form for SQLite and PostgreSQL, and either can be filled from it. It contains values of your
    records. Its tokens are encrypted with the instance secret, which it does not contain.
    """
    if file.exists():
        raise ConfigError([Problem(str(file), "exists already", "name another file: a backup is never overwritten")])
    partial = file.with_name(f"{file.name}.partial")
    try:
        with _made_or_removed(partial) as out:
            written = with_store(path, lambda store: back_up(store.database, out, version("sync-bridge")))
        _rename(partial, file)
    except OSError as error:
        raise ConfigError([unwritable(str(file), error)]) from None
    told = f"{_numbers(written)} in {file.resolve()}"
    with_store(path, lambda store: store.requests.note_backup(written.taken_at, told))
    size = file.stat().st_size / 1e6
    click.echo(f"wrote {file} ({size:.1f} MB): {_numbers(written)}, as of {moment(written.taken_at)}")


@contextmanager
def _made_or_removed(partial: Path) -> Iterator[BinaryIO]:
    """Yield a new file to write. If writing fails, the file is removed."""
    with open(partial, "wb", opener=_private) as out:
        try:
            yield out
        except BaseException:
            partial.unlink()
            raise


def _rename(partial: Path, file: Path) -> None:
    """Rename the file, but do not replace a file that was created meanwhile, as a plain rename would."""
    try:
        try:
            os.link(partial, file)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: create the name first, then replace it with the backup
            file.touch(mode=0o600, exist_ok=False)
            partial.rename(file)
            return
        partial.unlink()
    except FileExistsError:
        raise ConfigError(
            [Problem(str(file), "was created meanwhile", f"the backup is in {partial}: rename it")]
        ) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@click.command("restore-backup", epilog="Example: bridge restore-backup --check backup-monday.gz")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Replace the existing store by the backup.")
@click.option("--check", is_flag=True, help="Only read FILE to its end and print what it contains.")
@click.pass_obj
def restore_backup(path: Path, file: Path, replace: bool, check: bool) -> None:
    """Fill the store that the settings name from FILE, which `bridge backup` wrote. No bridge may run on that store.

    One transaction fills the store: after an interruption it is unchanged. The next `bridge run` compares every record
    of both sides, which finds the changes since the backup, and then verifies every mapping.
    """
    found = Backup(str(file))
    held = f"{file}: {_numbers(found.written)}, as of {moment(found.written.taken_at)}"
    if check:
        click.echo(f"{held}; the file is complete")
        return
    mappings = checked_files(*mapping_files(path, os.environ))
    pause, names = _made_again(mappings, moment(found.written.taken_at)), [one.name for one in mappings]
    url = store_url(path, os.environ)
    restored = asyncio.run(restore(url, system_seams(), found, replace=replace, pause=pause, verify=names))
    note(path, "restore-backup", f"restored {held}")
    click.echo(f"restored {held}")
    if restored.dropped:
        click.echo(
            f"{_counted(restored.dropped, 'instruction')} in the backup (undo, link, unlink, restore) will not be done:"
        )
        click.echo("  they may have been done since; repeat those that you still need")
    if restored.forgotten is None:
        click.echo("the bridge cannot know who was forgotten since the backup: run `bridge forget` for them again")
    elif restored.forgotten:
        records = _counted(restored.forgotten, "record")
        click.echo(f"{records} forgotten since the backup will not be copied, but their data in the backup is back:")
        click.echo("  run `bridge forget` for them again")
    for name in sorted(pause):
        click.echo(f"{name} is paused: it has no `match`, so records created since the backup would be created again;")
        click.echo(f"  read docs/backup.md, then run `bridge resume {name}`")
    click.echo("now start `bridge run`: first it compares all records of both sides (`bridge status` shows how far)")
    click.echo(
        "then it verifies every mapping by itself: `bridge status` shows under `verify` whether both sides agree"
    )


def _made_again(mappings: Iterable[RecordMapping], taken_at: str) -> Mapping[str, str]:
    """Return the mappings that would not recognise records they created since the backup, and why they are paused."""
    why = f"restored from a backup of {taken_at}: without `match`, records created since then would be created again"
    return {mapping.name: why for mapping in mappings if not mapping.match}


def _counted(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _numbers(written: Written) -> str:
    numbers = [(written.rows.get(table, 0), *words) for table, words in SHOWN.items()]
    return ", ".join(f"{number} {one if number == 1 else several}" for number, one, several in numbers)
