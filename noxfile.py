"""`nox`: does the wheel install and run with every supported Python, by pip, pipx and uv, with and without PostgreSQL?

Interpreters are searched on the PATH and in pyenv's folder; a missing one is left out and reported. It needs the
installers: `pip install nox uv pipx`.
"""

import os
import shutil
from pathlib import Path

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
nox.options.sessions = ["installed", "locked"]
nox.options.default_venv_backend = "none"


def interpreter(version: str) -> str | None:
    """Return the path of the newest installed patch release of this version."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    patches = sorted(kept.glob(f"{version}.*/bin/python"), key=lambda path: int(path.parts[-3].rpartition(".")[2]))
    found = patches[-1:] or [Path(name) for name in [shutil.which(f"python{version}")] if name]
    return str(found[0]) if found else None


def chosen(session: nox.Session, version: str) -> str:
    python = interpreter(version)
    if python is None:
        session.skip(f"Python {version} is not at hand")
    return str(python)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel into dist/, without older wheels beside it."""
    shutil.rmtree("dist", ignore_errors=True)
    session.run("uv", "build", "--wheel", "--out-dir", "dist", external=True, silent=True)


@nox.session(requires=["wheel"])
@nox.parametrize("installer", ["pipx", "uv"])
@nox.parametrize("python_version", PYTHONS)
def installed(session: nox.Session, python_version: str, installer: str) -> None:
    """Run `pipx install` or `uv tool install` with the wheel, then try the command from a separate folder."""
    python, home = chosen(session, python_version), Path(session.create_tmp()).resolve()
    built = str(next(Path("dist").resolve().glob("*.whl")))
    places = {
        "pipx": {"PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(home / "bin")},
        "uv": {"UV_TOOL_DIR": str(home / "uv"), "UV_TOOL_BIN_DIR": str(home / "bin")},
    }
    # As a person types it; the store on PostgreSQL is tried with uv, the version without it with pipx.
    commands = {
        "pipx": ["pipx", "install", "--python", python, built],
        "uv": ["uv", "tool", "install", "--python", python, f"sync-bridge[postgres] @ file://{built}"],
    }
    session.run(*commands[installer], env=places[installer], external=True, silent=True)
    try_it(session, home / "bin" / "bridge", home)


@nox.session(requires=["wheel"])
@nox.parametrize("python_version", PYTHONS)
def locked(session: nox.Session, python_version: str) -> None:
    """Install the wheel with exactly the packages that requirements.lock pins, as the container does."""
    python, home = chosen(session, python_version), Path(session.create_tmp()).resolve()
    own = str(home / "venv" / "bin" / "python")
    session.run("uv", "venv", "-q", "--python", python, str(home / "venv"), external=True)
    with_hashes = ["--require-hashes", "-r", "requirements.lock"]
    session.run("uv", "pip", "install", "-q", "--python", own, *with_hashes, external=True)
    built = str(next(Path("dist").glob("*.whl")))
    session.run("uv", "pip", "install", "-q", "--python", own, "--no-deps", built, external=True)
    try_it(session, home / "venv" / "bin" / "bridge", home)


def try_it(session: nox.Session, command: Path, home: Path) -> None:
    """Make a new folder, run the tests of its mapping files, and the whole story over both simulators."""
    bridge, folder = str(command), str(home / "mine")
    session.run(bridge, "--version", external=True)
    session.run(bridge, "init", "pipedrive-deskera", folder, external=True, silent=True)
    session.run(bridge, "--settings", f"{folder}/bridge.yaml", "test", external=True, silent=True)
    with session.chdir(home):
        session.run(bridge, "demo", "--once", external=True, silent=True)
