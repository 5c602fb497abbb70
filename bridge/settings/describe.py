"""Generates docs/settings.md from the descriptions of the settings and of each product's options."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from bridge.settings.model import Settings
from bridge.settings.secrecy import holds_secret

HEAD = """# Settings

`make docs` generates this page from `bridge/settings/model.py` and from the `options.py` of each product.

All settings are in one YAML file, by default `config/bridge.yaml`; `--settings` or `BRIDGE_SETTINGS` names another.
Relative paths start at the folder of that file. An environment variable overrides a key: `BRIDGE_` and the key in
capitals, with two underscores between levels (`BRIDGE_STORE__URL`, `BRIDGE_SYSTEMS__CRM1__OPTIONS__API_TOKEN`).

Do not write secrets into the file. Give them as `{file: path}`, `{env: NAME}` or `{credential: NAME}`, or in the
`BRIDGE_` variable. The first three work for any other value too. A credential is a file of that name in the folder
that the variable CREDENTIALS_DIRECTORY names. systemd sets this variable (`LoadCredential=`), and the container image
sets it to /run/secrets.

`bridge check` lists all problems at once, each with its place and what to do.

"""
TABLE = "| key | default | meaning |\n| --- | --- | --- |\n"


def describe(options: Mapping[str, type[BaseModel]]) -> str:
    """Return the text of the page. `options`: by product, the model of its options."""
    page = HEAD + TABLE + _table("", Settings)
    for product, model in sorted(options.items()):
        page += f"\n## Options of {product}\n\nBelow `systems.NAME.options`. {_plain(model.__doc__)}\n\n"
        page += TABLE + _table("", model)
    return page


def keys(prefix: str, model: type[BaseModel]) -> list[tuple[str, str, str]]:
    """Return (key, default, description) of every setting that is not a section. NAME: the operator chooses the
    name."""
    rows = []
    for name, info in model.model_fields.items():
        inner = _inner(info.annotation)
        key = f"{prefix}{name}"
        if inner is None:
            rows.append((key, _default(info), info.description or ""))
            continue
        many = getattr(info.annotation, "__origin__", None)
        rows += keys(f"{key}{'.NAME' if many is dict else '[]' if many is list else ''}.", inner)
    return rows


def _table(prefix: str, model: type[BaseModel]) -> str:
    return "".join(f"| `{key}` | {default} | {_plain(text)} |\n" for key, default, text in keys(prefix, model))


def _inner(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)


def _default(info: Any) -> str:
    if info.is_required():
        return "required, secret" if info.annotation is SecretStr else "required"
    if holds_secret(info.annotation):
        return "unset, secret"
    if info.default is PydanticUndefined or info.default is None:
        return "none"
    default = info.default.as_posix() if isinstance(info.default, Path) else info.default
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _plain(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")
