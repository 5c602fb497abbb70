"""Copies the template of a connector: `make connector NAME=acme`. It passes the first part of the conformance suite."""

import keyword
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).parent / "template"
FIRST_PORT = 8950
PORTED = re.compile(r"^ {8}(\d{4,5}),$", re.MULTILINE)
"""The port of one product in `simulators/serve.py`."""


def new_connector(name: str, root: Path = ROOT) -> list[Path]:
    """Return the files written or changed below `root`. Raises ValueError: nothing was written."""
    if re.fullmatch(r"[a-z][a-z0-9]{1,30}", name) is None or name == "sample":
        raise ValueError("NAME must be a product's name in small letters, like acme")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise ValueError(f"NAME must be no word of Python's own: {name}")
    for taken in (f"connectors/{name}", f"connectors/{name}.py", f"simulators/{name}", f"simulators/{name}.py"):
        if (root / "bridge" / taken).exists():
            raise ValueError(f"bridge/{taken} is there already")
    folders = {
        "connector": root / "bridge" / "connectors" / name,
        "simulator": root / "bridge" / "simulators" / name,
    }
    texts = {
        target / file.name: _named(file.read_text(encoding="utf-8"), name)
        for part, target in folders.items()
        for file in sorted((TEMPLATE / part).iterdir())
        if file.is_file()
    }
    harness = root / "tests" / "conformance" / "connectors" / f"{name}_connector.py"
    texts[harness] = _named((TEMPLATE / "tests" / "harness.py").read_text(encoding="utf-8"), name)
    texts |= _entries(name, root)
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(texts)


def _named(text: str, name: str) -> str:
    text = re.sub(r"(?<!harness\.)\bSample(?=[A-Z]|\b)", name.capitalize(), text)
    return re.sub(r"\bsample(?=_|\b)", name, text.replace("SAMPLE", name.upper()))


def _entries(name: str, root: Path) -> dict[Path, str]:
    """Return the files that list products, each with one more entry."""
    title, upper, serve = name.capitalize(), name.upper(), root / "bridge/simulators/serve.py"
    port = max([FIRST_PORT - 1, *map(int, PORTED.findall(serve.read_text(encoding="utf-8")))]) + 1
    return dict(
        [
            _entry(
                root / "bridge/connectors/registry.py",
                (
                    "tuple[str, str]] = {\n",
                    f'tuple[str, str]] = {{\n    "{name}": ("bridge.connectors.{name}", "{upper}"),\n',
                ),
            ),
            _entry(
                serve,
                (
                    "from bridge.simulators.keeping",
                    f"from bridge.simulators import {name} as {name}_simulator\nfrom bridge.simulators.keeping",
                ),
                (
                    "PRODUCTS: Mapping[str, Product] = {\n",
                    f'PRODUCTS: Mapping[str, Product] = {{\n    "{name}": Product(\n'
                    f"        {name}_simulator.{title}Simulator,\n"
                    f'        {port},\n        "base_url: {{url}}\\napi_token: {{{{env: {upper}_API_TOKEN}}}}",\n'
                    f'        {{"{upper}_API_TOKEN": "sandbox-token"}},\n    ),\n',
                ),
            ),
            _entry(
                root / "bridge/app/folder.py",
                (
                    "Sequence[str]]] = {\n",
                    f'Sequence[str]]] = {{\n    "{name}": {{"API token": ("base_url", "api_token")}},\n',
                ),
            ),
            _entry(
                root / "bridge/cli/sandbox.py",
                (
                    "tuple[str, str]] = {\n",
                    f'tuple[str, str]] = {{\n    "{name}": ("items", \'{{"name": "Acme"}}\'),\n',
                ),
            ),
            _entry(
                root / "tests/conformance/connectors/conftest.py",
                ("\n\nPRODUCTS:", f"\nfrom {name}_connector import {title}Product\n\nPRODUCTS:"),
                ("[Product] = [", f"[Product] = [{title}Product(), "),
            ),
            _entry(
                root / "pyproject.toml",
                ('"bridge.connectors.entrust"', f'"bridge.connectors.entrust", "bridge.connectors.{name}"'),
            ),
        ]
    )


def _entry(path: Path, *changes: tuple[str, str]) -> tuple[Path, str]:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        if old not in text:
            raise ValueError(f"{path} does not look as expected: add the product there by hand")
        text = text.replace(old, new)
    return path, text


if __name__ == "__main__":
    try:
        for written in new_connector(sys.argv[1] if len(sys.argv) > 1 else ""):
            sys.stdout.write(f"wrote {written.relative_to(ROOT)}\n")
    except ValueError as wrong:
        sys.exit(str(wrong))
    sys.stdout.write("next: docs/adding-a-connector.md\n")
