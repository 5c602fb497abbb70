"""A first settings file: the accounts of a pair of products, with every option that they need."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from pydantic import BaseModel

from bridge.connectors.registry import CONNECTORS
from bridge.domain.frozen import dataclass
from bridge.settings.secrecy import holds_secret

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
