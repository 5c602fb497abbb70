"""superoffice-python-sdk of PyPI: REST, with the credentials of a system user."""

import json
import subprocess
import time
import urllib.request
from base64 import b64encode, urlsafe_b64decode
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bridge.simulators.superoffice import Options
from tests.clients import Call
from tests.real.install import installed

NAME = "PyPI superoffice-python-sdk"
VERSION = "0.2.8"
PACKAGES = (
    f"superoffice-python-sdk=={VERSION}",
    *("requests==2.34.2", "urllib3==2.8.0", "idna==3.20", "charset-normalizer==3.5.3", "certifi==2026.10.19.post1"),
    *("suds-community==1.2.0", "pyOpenSSL==25.3.0", "cryptography==46.0.7", "cffi==2.1.1", "pycparser==3.12"),
    "typing-extensions==4.16.0",
    "--no-deps",  # the package requires suds-jurko, which no current Python builds; suds-community is the same
)
DRIVER = Path(__file__).with_name("drivers") / "superoffice_sdk.py"
SECONDS = 300.0
_interpreter = Path()


def install(folder: Path) -> str:
    """Raises CannotInstall."""
    global _interpreter
    _interpreter = installed(folder, PACKAGES)
    return VERSION


def run(address: str) -> list[Call]:
    options = Options()
    command = [str(_interpreter), "-W", "ignore", str(DRIVER), address, options.tenant, options.client_secret]
    done = subprocess.run([*command, _ticket(address, options)], capture_output=True, text=True, timeout=SECONDS)
    calls = [Call(**json.loads(line)) for line in done.stdout.splitlines()]
    if done.returncode != 0:
        calls.append(Call("the driver", "wrong", "that it ends by itself", done.stderr[-300:]))
    return calls


def _ticket(address: str, options: Options) -> str:
    """Sign in as the system user, as the vendor documents it."""
    key = load_pem_private_key(options.private_key.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    data = f"{options.system_token}.{datetime.fromtimestamp(time.time(), UTC):%Y%m%d%H%M}"
    signature = b64encode(key.sign(data.encode(), PKCS1v15(), SHA256())).decode()
    body = {
        "SignedSystemToken": f"{data}.{signature}",
        "ApplicationToken": options.client_secret,
        "ContextIdentifier": options.tenant,
        "ReturnTokenType": "JWT",
    }
    where = f"{address}/Login/api/PartnerSystemUser/Authenticate"
    asked = urllib.request.Request(where, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        token = json.loads(answer.read())["Token"]
    claims = token.split(".")[1]
    shown = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return str(shown["http://schemes.superoffice.net/identity/ticket"])
