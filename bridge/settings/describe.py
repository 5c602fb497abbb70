"""docs/settings.md, generated from the settings' own descriptions."""

from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bridge.settings.model import Settings

HEAD = """# Settings

One YAML file, `config/bridge.yaml` by default (`--settings` or `BRIDGE_SETTINGS` name another). Every key may be
overridden by an environment variable: `BRIDGE_` and the key in capitals, two underscores between levels
(`BRIDGE_STORE__URL`). Secrets are never written into the file: use `{file: path}` (relative to the settings file),
`{env: NAME}`, or the `BRIDGE_` variable. `bridge check` lists every fault at once.

| key | default | meaning |
| --- | --- | --- |
"""


def describe() -> str:
    """The page's whole text."""
    return HEAD + "".join(f"| `{key}` | {default} | {text} |\n" for key, default, text in _rows("", Settings))


def _rows(prefix: str, model: type[BaseModel]) -> list[tuple[str, str, str]]:
    rows = []
    for name, info in model.model_fields.items():
        inner = _inner(info.annotation)
        key = f"{prefix}{name}"
        if inner is None:
            rows.append((key, _default(info), info.description or ""))
            continue
        many = getattr(info.annotation, "__origin__", None) is dict
        rows += _rows(f"{key}.NAME." if many else f"{key}.", inner)
    return rows


def _inner(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)), None)


def _default(info: Any) -> str:
    if info.is_required():
        return "required"
    return f"`{info.default}`" if info.default is not PydanticUndefined else ""
