"""The public SDK of Entrust Identity as a Service (intellitrust-admin-sdk), generated as its maintainers generate it.

The SDK is the output of the generator `oazapfts` for the vendor's API description, with `--argumentStyle object`. Not
every registry has its package, so this module runs the same version of the generator. The description is the vendor's;
it is beside the repository, or where ENTRUST_DESCRIPTION says.
"""

import json
import os
import subprocess
from pathlib import Path

from tests.clients import Call, Skipped
from tests.clients.node import install_packages, run_script

NAME = "Entrust's public SDK, by oazapfts"
GENERATOR = ("oazapfts@7.5.0", "@oazapfts/runtime@1.2.0", "typescript@5.9.3")
BESIDE = Path(__file__).parents[3] / "shared/specs/entrust-idaas-administration-5.46.json"
SCRIPT = Path(__file__).with_suffix(".mjs")
_TRANSPILE = """
const ts = require("typescript"), fs = require("fs");
const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
const made = ts.transpileModule(fs.readFileSync("sdk.ts", "utf8"), { compilerOptions: options });
fs.writeFileSync("sdk.mjs", made.outputText);
"""
_folder = Path()


def install(folder: Path) -> str:
    """Return the version of the description. Raises Skipped."""
    global _folder
    _folder, description = folder, _description()
    install_packages(folder, *GENERATOR)
    for command in (
        ["npx", "oazapfts", str(description), "sdk.ts", "--argumentStyle", "object"],
        ["node", "--eval", _TRANSPILE],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise Skipped(f"the SDK cannot be generated: {done.stderr.strip()[-300:]}")
    return str(json.loads(description.read_text())["info"]["version"])


def run(address: str) -> list[Call]:
    told = run_script(SCRIPT, str(_folder), str(_description()), address)
    return [Call(**one) for one in json.loads(told)]


def _description() -> Path:
    """Return the description's path. Raises Skipped."""
    found = Path(os.environ.get("ENTRUST_DESCRIPTION") or BESIDE)
    if not found.exists():
        raise Skipped(f"the vendor's description is not in {found}; set ENTRUST_DESCRIPTION to where it lies")
    return found
