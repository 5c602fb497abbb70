"""Generates docs/systems.md from the manifests: what each connector does, and what its vendor cannot do."""

from collections.abc import Mapping

from bridge.connectors.product import ConnectorType
from bridge.domain.catalog import EntityManifest, Lookup

HEAD = """# Systems

`make docs` generates this page from the connectors' manifests. Every product works as source and as target for the
listed entities. `bridge check` refuses a mapping that needs what a product cannot do or a connector does not do yet.

The bridge compensates for what a vendor cannot do:

- Without listings by time of change, every sweep is a full one that compares content hashes.
- Without versions, the bridge uses a read only when reads must show its own write. It writes nothing to a record that a
  callback reported until reads must show the reported edit.
- Without events, the next sweep finds changes.
- Without an exact search, a complete listing fills the match index before anything is created.
- If only whole records can be written, the freshly read record goes back with the changes.

One gap remains. If reads lag and writes take whole records without a condition, the bridge's write overwrites an edit
that somebody made just before it, that reads do not show yet and that no callback has reported yet. If writes take the
changed columns, only an edit of the same columns is lost in this way.
"""
LOOKUPS = {
    Lookup.NONE: "own index only",
    Lookup.LAGGING: "own index, then the vendor's lagging search",
    Lookup.EXACT: "the vendor's exact search",
}


def describe(connectors: Mapping[str, ConnectorType]) -> str:
    """The text of the whole page."""
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
    """Return the option that each ability of the entity needs; an ability that needs none is left out."""
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
