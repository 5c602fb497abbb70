"""SuperOffice's own client for JavaScript and TypeScript (npm @superoffice/webapi): REST and agents."""

import json
from pathlib import Path

from tests.clients import Call
from tests.clients.node import install_packages, run_script

NAME = "npm @superoffice/webapi"
VERSION = "12.4.1514"
PACKAGES = (f"@superoffice/webapi@{VERSION}",)
SCRIPT = Path(__file__).with_suffix(".mjs")
_folder = Path()


def install(folder: Path) -> str:
    """Raises Skipped."""
    global _folder
    _folder = folder
    install_packages(folder, *PACKAGES)
    return VERSION


def run(address: str) -> list[Call]:
    return [Call(**one) for one in json.loads(run_script(SCRIPT, str(_folder), address))]
