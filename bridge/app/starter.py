"""A settings file to begin with: the accounts of a pair of products, with every option they must be given."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from bridge.connectors.registry import CONNECTORS

HEAD = """\
# Settings of one bridge. Fill in what is marked, then `bridge check`; docs/settings.md describes every key.
# Relative paths count from this file. Secrets never stand here: {{file: path}} or {{env: NAME}} say where they are.

instance: {instance}   # a name of your own; part of every callback address, so choose it once
instance_secret: {{env: INSTANCE_SECRET}}   # 16 characters or more, made once and kept: openssl rand -hex 32
public_url: https://bridge.example.com   # <- where the vendors reach the listener: your TLS proxy

store:
  url: sqlite:///bridge.sqlite   # or {{env: DATABASE_URL}} with postgresql://user:password@host/database
mappings_dir: mappings

systems:
"""
TAIL = """
# shadow: read, compare and journal what would be written, but write nothing. live: write.
default_mode: shadow
"""


def starting_settings(pair: str, sides: Mapping[str, str]) -> str:
    """The file's text. `sides`: the product each side's name of the mapping files stands for."""
    text = HEAD.format(instance=pair)
    text += "".join(system_text(product, product) for product in sides.values())
    bound = "".join(f"  {side}: {product}\n" for side, product in sides.items())
    return f"{text}\n# Mapping files speak of sides; here each gets its account.\nsides:\n{bound}{TAIL}"


def system_text(name: str, product: str) -> str:
    """What stands below `systems:` for an account at this product."""
    text = f"  {name}:\n    connector: {product}\n    options:   # take the # off what applies\n"
    return text + "".join(f"      {line}\n" for line in _options(product, CONNECTORS[product].options))


def _options(product: str, model: type[BaseModel]) -> Sequence[str]:
    """Required options and those without a default to be filled in; the others as comments with their default."""
    lines = []
    for name, info in model.model_fields.items():
        about = " ".join((info.description or "").split())
        secret = "SecretStr" in str(info.annotation)
        given = f"{{env: {product}_{name}}}".upper().replace("{ENV", "{env") if secret else ""
        if info.is_required():
            lines.append(f"{name}: {given or '...'}   # <- {about}")
        elif info.default is None:
            lines.append(f"# {name}: {given or '...'}   # {about}")
        else:
            shown = str(info.default).lower() if isinstance(info.default, bool) else info.default
            lines.append(f"# {name}: {shown}   # {about}")
    return lines
