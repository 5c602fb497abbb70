"""pipedrive-python-lib of PyPI: REST v1, with its own setting for the company's domain."""

from pathlib import Path

from tests.clients import Call
from tests.clients.python_driver import driven
from tests.real.install import installed

NAME = "PyPI pipedrive-python-lib"
VERSION = "1.2.3"
_interpreter = Path()


def install(folder: Path) -> str:
    global _interpreter
    _interpreter = installed(folder, [f"pipedrive-python-lib=={VERSION}", "requests==2.34.2"])
    return VERSION


def run(address: str) -> list[Call]:
    return driven(_interpreter, "python_lib", address, "sandbox-token")
