"""An operator's folder: its first settings file, and what is added later: systems and sides, modes, mapping files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from pydantic import BaseModel

from bridge.connectors.registry import CONNECTORS
from bridge.domain.errors import ConfigError, Problem
from bridge.domain.frozen import dataclass
from bridge.domain.record import SIDES
from bridge.domain.text_file import read_text, text_of, write_text
from bridge.files.document import Node, Problems, Scalar, Table, plain, read_documents
from bridge.mapping.check import overlaps, rings
from bridge.mapping.model import Mapping as MappingFile
from bridge.settings.parts import mapping_modes
from bridge.settings.secrecy import holds_secret

# ---- A first settings file: the accounts of a pair of products, with every option that they need ----


HEAD = """\
# Settings of one bridge. Fill in what is marked, then `bridge check`; docs/settings.md describes every key.
# Relative paths count from this file. Secrets never stand here: {{file: path}} or {{env: NAME}} say where they are.

instance: {instance}   # a name of your own; part of every callback address, so choose it once
instance_secret: {secret}   # 16 characters or more, made once and kept: openssl rand -hex 32
public_url: {public_url}   # {mark}where the vendors reach the listener: your TLS proxy

store:
  url: sqlite:///bridge.sqlite   # or {{env: DATABASE_URL}} with postgresql://user:password@host/database
mappings_dir: mappings

systems:
"""
TAIL = """
# shadow: read, compare and journal what would be written, but write nothing. live: write.
default_mode: shadow
"""


WAYS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "bottlecrm": {
        "access token, and an administrator's login for hooks": ("base_url", "access_token", "admin_refresh_token"),
        "access token only, without hooks": ("base_url", "access_token"),
    },
    "deskera": {"client issued by Deskera": ("base_url", "client_id", "client_secret")},
    "entrust": {"Administration API application": ("base_url", "application_id", "shared_secret")},
    "pipedrive": {
        "API token of a user": ("base_url", "api_token"),
        "OAuth app": ("client_id", "client_secret"),
    },
    "superoffice": {
        "online, app with a person's consent": ("tenant", "client_id", "client_secret"),
        "online, system user": ("tenant", "client_id", "client_secret", "private_key"),
        "onsite, user and password": ("base_url", "username", "password"),
    },
    "tryton": {"user and password": ("base_url", "database", "user", "password")},
}
"""By product: the ways to sign in, and the options of each. A test compares them with the products' own checks."""


TO_FILL_IN = "..."


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known before the file is written. The rest is marked in the file, for a person to fill in.

    `options`: by product and option, the text to write; for a secret, where it is: `{env: NAME}`, `{file: path}` or
    `{credential: NAME}`. TO_FILL_IN marks an option that the way to sign in needs.
    """

    instance: str = ""
    public_url: str = ""
    instance_secret: str = "{env: INSTANCE_SECRET}"  # noqa: S105 - it says where the secret is
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def is_secret(product: str, option: str) -> bool:
    return holds_secret(CONNECTORS[product].options.model_fields[option].annotation)


def starting_settings(pair: str, sides: Mapping[str, str], answers: Answers | None = None) -> str:
    """Return the file's text. `sides`: the product of each side name in the mapping files."""
    known = answers or Answers()
    text = HEAD.format(
        instance=known.instance or pair,
        secret=known.instance_secret,
        public_url=known.public_url or "https://bridge.example.com",
        mark="" if known.public_url else "<- ",
    )
    text += "".join(system_text(product, product, known.options.get(product)) for product in sides.values())
    bound = "".join(f"  {side}: {product}\n" for side, product in sides.items())
    return f"{text}\n# Mapping files use sides. Here each side gets its account.\nsides:\n{bound}{TAIL}"


def system_text(name: str, product: str, given: Mapping[str, str] | None = None) -> str:
    """Return the text below `systems:` for an account at this product. `given`: options that are known."""
    text = f"  {name}:\n    connector: {product}\n    options:   # remove the # from options that apply\n"
    return text + "".join(f"      {line}\n" for line in _options(product, CONNECTORS[product].options, given or {}))


def _options(product: str, model: type[BaseModel], known: Mapping[str, str]) -> Sequence[str]:
    """Return the lines of the options: required ones to fill in, the others as comments, with any default."""
    lines = []
    for name, info in model.model_fields.items():
        about = " ".join((info.description or "").split())
        secret = holds_secret(info.annotation)
        given = f"{{env: {product}_{name}}}".upper().replace("{ENV", "{env") if secret else ""
        if name in known and known[name] != TO_FILL_IN:
            lines.append(f"{name}: {known[name]}   # {about}")
        elif info.is_required() or name in known:
            lines.append(f"{name}: {given or TO_FILL_IN}   # <- {about}")
        elif info.default is None:
            lines.append(f"# {name}: {given or TO_FILL_IN}   # {about}")
        else:
            shown = str(info.default).lower() if isinstance(info.default, bool) else info.default
            lines.append(f"# {name}: {shown}   # {about}")
    return lines


# ---- Adding to a folder: systems and sides to a settings file, mapping files beside others ----


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
