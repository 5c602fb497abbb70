"""docs/systems.md, generated from the manifests: what each connector does, and what its vendor cannot do."""

from collections.abc import Mapping

from bridge.connectors.product import ConnectorType
from bridge.domain.catalog import EntityManifest, Lookup

HEAD = """# Systems

Generated from the connectors' manifests (`make docs`). Every product works as source and as target for the entities
listed; `bridge check` refuses a mapping that needs what a product cannot do or a connector does not do yet.

How the bridge makes up for what a vendor cannot do: without a modified-since listing every sweep is a full one with
content hashes; without a version a read is used only once reads must show our own write, and nothing is written to a
record that a callback told of before reads must show what it told of; without events changes come with the next sweep;
without an exact search the match index is filled by a complete listing before anything is created; where only whole
records are taken, the freshly read one goes back with the changes.

What no bridge can make up for: where reads lag and writes take whole records without a condition, our write overwrites
an edit that somebody made there just before it, that reads do not show yet and that no callback has told of yet. Where
writes take the changed columns, only an edit of those very columns is lost so.
"""
LOOKUPS = {
    Lookup.NONE: "own index only",
    Lookup.LAGGING: "own index, then the vendor's lagging search",
    Lookup.EXACT: "the vendor's exact search",
}


def describe(connectors: Mapping[str, ConnectorType]) -> str:
    """The page's whole text."""
    return HEAD + "".join(_product(kind) for _, kind in sorted(connectors.items()))


def _product(kind: ConnectorType) -> str:
    manifest = kind.manifest
    text = f"\n## {manifest.product}\n\n| entity | writes | changes heard by | listings by time | version |"
    text += " read lag | found before a create by | updates take |\n" + "| --- " * 8 + "|\n"
    for name, entity in manifest.entities.items():
        text += f"| `{name}` | {' | '.join(_cells(entity, _options(kind, name)))} |\n"
    if manifest.limits:
        text += "\nWhat the vendor cannot do, and what to know:\n\n" + "".join(f"- {one}\n" for one in manifest.limits)
    if manifest.not_yet:
        text += "\nNot yet:\n\n" + "".join(f"- {one}\n" for one in manifest.not_yet)
    text += "\nOptions:\n\n| option | meaning |\n| --- | --- |\n"
    for option, info in kind.options.model_fields.items():
        text += f"| `{option}` | {info.description or ''} |\n"
    return text


def _options(kind: ConnectorType, entity: str) -> Mapping[str, str]:
    """The option each ability waits for, where it waits for one."""
    return {ability: option for (name, ability), option in kind.switches.items() if name == entity}


def _cells(entity: EntityManifest, options: Mapping[str, str]) -> list[str]:
    can = {
        "creates": entity.creates,
        "updates": entity.updates,
        "deletes": entity.deletes,
        "archives": entity.archives,
    }
    able = [name for name, does in can.items() if does]
    writes = ", ".join(
        name.removesuffix("s") + (f" (with `{options[name]}`)" if name in options else "") for name in able
    )
    since = "no" if not entity.since else "yes"
    if entity.since and entity.history is not None:
        since = f"for {entity.history / 86400:.0f} days"
    version = "none" if entity.version_resolution is None else f"to {entity.version_resolution:g} s"
    if entity.unversioned:
        version += f", not for {', '.join(sorted(entity.unversioned))}"
    return [
        writes or "none",
        ", ".join(sorted(entity.events)) or "sweeps only",
        since,
        version,
        f"{entity.read_lag:g} s",
        LOOKUPS[entity.lookup],
        "whole records" if entity.whole_record else "the changed columns",
    ]
