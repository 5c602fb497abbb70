"""Packages of the npm registry in a separate folder, and scripts that use them."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.clients import Skipped

SECONDS = 300.0


def install_packages(folder: Path, *packages: str) -> None:
    """Install packages of exact versions, kept in the folder between runs. Raises Skipped."""
    done, mark = folder / "installed", "\n".join(packages)
    if done.exists() and done.read_text() == mark:
        return
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise Skipped(f"{tool} is not installed here")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", *packages]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode != 0:
        said = [line for line in ended.stderr.splitlines() if "error" in line.lower()]
        raise Skipped(f"npm install {' '.join(packages)} fails: {said[0] if said else ended.returncode}")
    done.write_text(mark)


def run_script(script: Path, *words: str) -> str:
    """Return the script's output. Raises RuntimeError with its error output when it fails."""
    zone = {**os.environ, "TZ": "UTC"}  # clients read times without a zone as local times
    ended = subprocess.run(["node", str(script), *words], capture_output=True, text=True, timeout=SECONDS, env=zone)
    if ended.returncode != 0:
        raise RuntimeError(f"{script.name} failed: {ended.stderr[-2000:]}")
    return ended.stdout
