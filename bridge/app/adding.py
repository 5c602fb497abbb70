"""Adds to an operator's folder: systems and sides to a settings file, mapping files beside others."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bridge.app.starter import system_text
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.record import SIDES
from bridge.domain.text_file import read_text, text_of, write_text
from bridge.files.document import Node, Problems, Scalar, Table, plain, read_documents
from bridge.mapping.check import overlaps, rings
from bridge.mapping.model import Mapping as MappingFile
from bridge.settings.parts import mapping_modes

BY_HAND = "write one system or side per line, or add these by hand"


def extended_settings(
    path: Path, sides: Mapping[str, str], options: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Return the settings file's text with the missing systems and sides added. Nothing else is changed.

    `sides`: the product of each side name in the mapping files. `options`: by product, the known options of a new
    system. Raises ConfigError if a side or a system in the file means something else, or if an option is about a system
    that exists already.
    """
    text, root = _read(path)
    systems, bound = _section(path, root, "systems"), _section(path, root, "sides")
    known = {name: str(plain(node).get("connector")) for name, node in systems.items() if isinstance(node, Table)}
    roles = {side: str(plain(node)) for side, node in bound.items()}
    new_systems, new_sides = dict[str, str](), dict[str, str]()
    for side, product in sides.items():
        if side not in roles:
            new_sides[side] = _system_for(path, side, product, known, roles, new_systems)
        elif known.get(roles[side]) != product:
            what = f"`{roles[side]}` is not {product}, and these files call {product} `{side}`"
            raise ConfigError([Problem(f"{path}: sides.{side}", what, "choose another folder")])
    given = options or {}
    there = [product for product in given if product not in new_systems.values()]
    if there:
        what = "no system of this product is added, and existing settings are not changed"
        raise ConfigError([Problem(f"--set {product}", what, f"edit {path} yourself") for product in there])
    added = {
        "systems": "".join(system_text(name, product, given.get(product)) for name, product in new_systems.items()),
        "sides": "".join(f"  {side}: {system}\n" for side, system in new_sides.items()),
    }
    lines = text.splitlines(keepends=True)
    for key in sorted(added, key=lambda key: -root.keys[key].place.line):  # from the end, so that lines above stay
        if added[key]:
            _insert(path, root, key, lines, added[key].splitlines(keepends=True))
    return "".join(lines)


def moded_settings(path: Path, mapping: str, mode: str) -> str:
    """Return the settings file's text with this mode for the mapping. Nothing else is changed. Raises ConfigError."""
    text, root = _read(path)
    lines = text.splitlines(keepends=True)
    node, entry = root.entries.get("mappings"), f"{mapping}: {{mode: {mode}}}"
    own = node.entries.get(mapping) if isinstance(node, Table) else None
    if node is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines += ["\n", "mappings:\n", f"  {entry}\n"]
    elif isinstance(own, Table) and isinstance(written := own.entries.get("mode"), Scalar):
        line, start = written.place.line - 1, written.place.column - 1
        end = start + len(written.text) + 2 * written.quoted
        lines[line] = lines[line][:start] + mode + lines[line][end:]
    elif own is None and isinstance(node, Table) and node.place.line == root.keys["mappings"].place.line:
        line, start = node.place.line - 1, node.place.column
        lines[line] = lines[line][:start] + entry + (", " if node.entries else "") + lines[line][start:]
    elif own is None and (isinstance(node, Table) or (isinstance(node, Scalar) and node.null)):
        indent = node.place.column - 1 if isinstance(node, Table) else 2
        at = root.keys["mappings"].place.line
        lines[at - 1] = lines[at - 1].rstrip("\n") + "\n"
        lines.insert(at, f"{' ' * indent}{entry}\n")
    else:
        where = f"{path}:{root.keys['mappings'].place.line}: mappings.{mapping}"
        raise ConfigError([Problem(where, "is not a section", f"write {entry} there by hand")])
    return "".join(lines)


def set_mode(path: Path, environ: Mapping[str, str], mapping: str, mode: str) -> str:
    """Write the mode of a mapping into the settings file; return in words what was done. Raises ConfigError if the file
    cannot be written, or if an environment variable overrides it."""
    if _mode(path, environ, mapping) == mode:
        return f"{path} already says so"
    text, told = moded_settings(path, mapping, mode), f"{path} already says so"
    if text != read_text(path):
        write_text(path, text)
        told = f"wrote {path}: {mapping} is {mode}"
    if (found := _mode(path, environ, mapping)) != mode:
        what = f"a BRIDGE_ variable sets {found}, which overrides the file"
        raise ConfigError([Problem(f"mappings.{mapping}.mode", what, "correct or unset it, and restart the bridge")])
    return told


def _mode(path: Path, environ: Mapping[str, str], mapping: str) -> str:
    default, modes = mapping_modes(path, environ)
    return modes.get(mapping, default)


def left_out(present: Iterable[MappingFile], added: Sequence[MappingFile]) -> set[str]:
    """Return the names of the added mappings that must be left out: those whose records other mappings already sync or
    write, and those that link to them."""
    kept, out = list(present), set[str]()
    if _clash(kept):
        return out
    for mapping in added:
        if _clash([*kept, mapping]):
            out.add(mapping.name)
        else:
            kept.append(mapping)
    while more := {one.name for one in added if one.name not in out and out & _links(one)}:
        out |= more
    return out


def _links(mapping: MappingFile) -> set[str | None]:
    return {row.link for field in mapping.fields for row in field.refers}


def _clash(mappings: Sequence[MappingFile]) -> bool:
    return bool(rings(mappings, {})) or next(overlaps(mappings, {}), None) is not None


def sides_of(mappings: Iterable[MappingFile]) -> dict[str, str]:
    """Return the product of each side name."""
    return {mapping.side(side).name: mapping.side(side).product for mapping in mappings for side in SIDES}


def _read(path: Path) -> tuple[str, Table]:
    text, problems = text_of(path), Problems()
    documents = read_documents(text, str(path), problems)
    if problems.found:
        raise ConfigError(problems.found)
    if len(documents) != 1 or not isinstance(documents[0], Table):
        raise ConfigError([Problem(str(path), "must hold keys and values", "see config/bridge.yaml")])
    return text, documents[0]


def _section(path: Path, root: Table, key: str) -> Mapping[str, Node]:
    node = root.entries.get(key)
    if isinstance(node, Table):
        return node.entries
    if isinstance(node, Scalar) and node.null:
        return {}
    raise ConfigError([Problem(f"{path}: {key}", "is not a section", f"write {key}: with one key per line")])


def _system_for(
    path: Path,
    side: str,
    product: str,
    known: Mapping[str, str],
    roles: Mapping[str, str],
    new: dict[str, str],
) -> str:
    """Return the name of the system for a side: one from the file, or a new one."""
    there = [name for name, connector in known.items() if connector == product]
    playing = {system: role for role, system in roles.items()}
    for name in there:
        if name not in playing:
            return name
    if there:
        what = f"{there[0]} is {product} and plays `{playing[there[0]]}`; these files call that side `{side}`"
        raise ConfigError(
            [Problem(f"{path}: sides", what, "choose another folder, or copy the files and rename the side")]
        )
    name = product if product not in known else f"{product}-{side}"
    new[name] = product
    return name


def _insert(path: Path, root: Table, key: str, lines: list[str], added: Sequence[str]) -> None:
    """Insert lines at the end of a section, with its indentation."""
    at, node = root.keys[key].place.line, root.entries[key]
    if isinstance(node, Table) and node.place.line == at:
        raise ConfigError([Problem(f"{path}:{at}: {key}", "is written in one line, so nothing can be added", BY_HAND)])
    indent = node.place.column - 1 if isinstance(node, Table) else 2
    end = min((one.place.line for one in root.keys.values() if one.place.line > at), default=len(lines) + 1) - 1
    while end > at and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    lines[end:end] = [" " * (indent - 2) + line for line in added]
