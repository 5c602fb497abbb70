"""pypipedrive-client of PyPI: models over both versions. It needs Python 3.12."""

from pathlib import Path

from tests.clients import Call
from tests.clients.python_driver import driven
from tests.real.install import installed, python_from

NAME = "PyPI pypipedrive-client"
VERSION = "1.0.2"
_interpreter = Path()


def install(folder: Path) -> str:
    """Raises CannotInstall."""
    global _interpreter
    packages = [f"pypipedrive-client=={VERSION}", "requests==2.34.2", "pydantic==2.14.4"]
    _interpreter = installed(folder, packages, python_from(12))
    return VERSION


def run(address: str) -> list[Call]:
    return driven(_interpreter, "pypipedrive_calls", address, "sandbox-token")
