"""`bridge authorize` from a person's view: the address it shows, the address the browser ends at, and the result."""

import asyncio
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge.app.seams import system_seams
from bridge.simulators.superoffice import Options as SuperOfficeAccount
from bridge.simulators.superoffice.signing import sandbox_private_key
from bridge.store.engine import open_store
from bridge.store.model import SystemRow
from tests.acceptance.products import simulated
from tests.acceptance.site import BRIDGE, Ended, Site, audited_actions, run_command, until

REDIRECT = "https://bridge.example.com/consented"
KEY = "ACCEPT_KEY"
Answering = Callable[[str], str]


def browser(address: str) -> str:
    """Return the address at which a browser ends that opens `address`; the person agrees to everything."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_said: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(address, timeout=10)
    except urllib.error.HTTPError as answer:
        with answer:
            return str(answer.headers["Location"])
    raise AssertionError("the page did not send the browser back")


def state_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]


def pasted(shown: str, answer: Answering) -> str:
    found = re.search(r"^ +(https?://\S+)$", shown, re.MULTILINE)
    return answer(found.group(1)) + "\n" if found else ""


class Pasted(BytesIO):
    """The standard input of a command in this process. At the first read it gives the answer to what was shown."""

    def __init__(self, answer: Answering) -> None:
        super().__init__()
        self.answer: Answering | None = answer

    def read1(self, size: int | None = -1, /) -> bytes:
        if self.answer is not None:
            sys.stdout.flush()
            self.write(pasted(sys.stdout.buffer.getvalue().decode(), self.answer).encode())  # type: ignore[attr-defined]
            self.seek(0)
            self.answer = None
        return super().read1(size)


class Operator:
    """Runs commands in a folder with the given systems."""

    def __init__(self, folder: Path, **systems: Mapping[str, Any]) -> None:
        self.folder = folder
        (folder / "mappings").mkdir(exist_ok=True)
        settings = {
            "instance": "acceptance",
            "instance_secret": {"env": "ACCEPT_INSTANCE_SECRET"},
            "public_url": "https://bridge.example.com",
            "store": {"url": "sqlite:///bridge.sqlite"},
            "mappings_dir": "mappings",
            "systems": systems,
            "sides": {},
        }
        (folder / "bridge.yaml").write_text(json.dumps(settings))
        secret = {"ACCEPT_INSTANCE_SECRET": "instance-secret-never-shown", KEY: sandbox_private_key()}
        self.secrets = {**secret, "ACCEPT_APP": "sandbox-secret", "ACCEPT_D": "cl_priv_sandbox"}

    def authorize(self, system: str, answer: Answering) -> Ended:
        """Run `authorize` in this process. `answer` turns the address shown into what the person pastes."""
        pasted: Any = Pasted(answer)
        return run_command(self.folder / "bridge.yaml", "authorize", system, answer=pasted, variables=self.secrets)

    def authorize_as_a_process(self, system: str, answer: Answering) -> Ended:
        """Run `authorize` as a separate process, with pipes."""
        command = [BRIDGE, "--settings", str(self.folder / "bridge.yaml"), "authorize", system]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {**os.environ, **self.secrets}
        with subprocess.Popen(command, env=environment, text=True, bufsize=1, **pipes) as process:  # type: ignore[call-overload]
            shown = ""
            while "Paste" not in shown and (line := process.stdout.readline()):
                shown += line
            out, err = process.communicate(pasted(shown, answer), timeout=60)
            return Ended(process.returncode, shown + out, err)


def pipedrive(url: str) -> dict[str, Any]:
    options = {"base_url": url, "token_url": f"{url}/oauth/token", "client_id": "sandbox-client"}
    more = {"client_secret": {"env": "ACCEPT_APP"}, "redirect_uri": REDIRECT}
    return {"connector": "pipedrive", "options": {**options, **more}}


def superoffice(url: str, **more: Any) -> dict[str, Any]:
    options = {"tenant": SuperOfficeAccount().tenant, "login_url": url, "client_id": "sandbox-client", **more}
    return {"connector": "superoffice", "options": {**options, "client_secret": {"env": "ACCEPT_APP"}}}


def deskera(url: str) -> dict[str, Any]:
    options = {"base_url": url, "consent_url": f"{url}/consent", "client_id": "cl_pub_sandbox"}
    return {"connector": "deskera", "options": {**options, "client_secret": {"env": "ACCEPT_D"}}}


def entrust() -> dict[str, Any]:
    options = {"base_url": "https://acme.us.trustedauth.com", "application_id": "a"}
    return {"connector": "entrust", "options": {**options, "shared_secret": {"env": "ACCEPT_APP"}}}


def test_pipedrive_is_authorised_and_every_wrong_answer_gets_one_message(tmp_path: Path) -> None:
    with simulated("pipedrive") as (product,):
        operator = Operator(tmp_path, crm=pipedrive(product.url))
        wrong = {
            "not-the-address": "this is not the address",
            "": "nothing was pasted",
            f"{REDIRECT}?error=user_denied": "consent was refused in the browser",
            f"{REDIRECT}?error=server_error&error_description=try+later": "(server_error: try later)",
            f"{REDIRECT}?code=a&state=another": "`state` is not the one of this run",
        }
        for pasted, message in wrong.items():
            done = operator.authorize("crm", lambda _address, pasted=pasted: pasted)
            assert (done.code, done.err.count("\n")) == (1, 1), done
            assert message in done.err
        done = operator.authorize("crm", lambda address: f"{REDIRECT}?code=made-up&state={state_of(address)}")
        assert done.code == 1
        assert "the code was refused: invalid_grant (POST oauth/token, 400)" in done.err
        done = operator.authorize("crm", browser)
        assert done.code == 0, done
        assert "crm is authorised: " in done.out
        assert "rights: base,deals:full" in done.out
        (deed,) = audited_actions(tmp_path)
        assert deed[0] == "authorize crm"
        assert "sandbox-secret" not in done.out
        assert b"sandbox-refresh" not in (tmp_path / "bridge.sqlite").read_bytes()


@pytest.mark.parametrize("more", [{}, {"private_key": {"env": KEY}}], ids=["user", "system user"])
def test_superoffice_is_authorised(tmp_path: Path, more: dict[str, Any]) -> None:
    with simulated("superoffice") as (product,):
        operator = Operator(tmp_path, crm=superoffice(product.url, **more))
        done = operator.authorize("crm", lambda address: f"{REDIRECT}?code=made-up&state={state_of(address)}")
        assert "the code was refused: " in done.err
        done = operator.authorize("crm", browser)
        assert done.code == 0, done
        assert "crm is authorised: " in done.out
        assert ("rights: all data" in done.out) is bool(more)


def test_deskera_is_authorised_and_a_code_works_once(tmp_path: Path) -> None:
    with simulated("deskera") as (product,):
        operator = Operator(tmp_path, erp=deskera(product.url))
        done = operator.authorize("erp", lambda address: f"{REDIRECT}?code=sandbox-code&state={state_of(address)}")
        assert done.code == 0, done
        assert "erp is authorised: Deskera organisation" in done.out
        done = operator.authorize("erp", lambda address: f"{REDIRECT}?code=sandbox-code&state={state_of(address)}")
        assert done.code == 1
        assert "Deskera refused to issue a token: " in done.err
        assert "(POST /v2/oauth/token, 400)" in done.err


def test_a_consent_to_another_account_than_before_stores_nothing(tmp_path: Path) -> None:
    store_url = f"sqlite:///{tmp_path / 'bridge.sqlite'}"

    async def was_another() -> None:
        store = await open_store(store_url, system_seams())
        await store.systems.save(SystemRow("erp", identity_key="1", identity_label="Deskera organisation 1"))
        await store.close()

    async def stored() -> object:
        store = await open_store(store_url, system_seams())
        found = await store.tokens.load("deskera:erp")
        await store.close()
        return found

    with simulated("deskera") as (product,):
        asyncio.run(was_another())
        operator = Operator(tmp_path, erp=deskera(product.url))
        done = operator.authorize("erp", lambda address: f"{REDIRECT}?code=sandbox-code&state={state_of(address)}")
    assert done.code == 1
    assert "but erp has been Deskera organisation 1 until now: nothing was stored" in done.err
    assert asyncio.run(stored()) is None


def test_a_product_without_consent_says_so(tmp_path: Path) -> None:
    done = Operator(tmp_path, idp=entrust()).authorize("idp", str)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "idp needs no authorisation" in done.err
    assert "renew shared_secret (" in done.err
    done = Operator(tmp_path, idp=entrust()).authorize("crm", str)
    assert (done.code, "no system of the settings has this name - known: idp" in done.err) == (2, True)


def test_a_running_bridge_reports_a_missing_consent_and_continues_when_it_has_it(tmp_path: Path) -> None:
    with simulated("pipedrive", "deskera") as (crm, erp):
        site = Site(tmp_path, crm.url, erp.url)
        lines = site.settings.read_text().replace("      refresh_token: {env: ACCEPT_DESKERA_REFRESH}\n", "")
        site.settings.write_text(
            lines.replace("cl_pub_sandbox", f"cl_pub_sandbox\n      consent_url: {erp.url}/consent")
        )
        assert site.run_command("check").code == 0
        daemon = site.start()
        try:
            until(
                lambda: "no person has consented yet; run `bridge authorize deskera`" in site.get("/health").text,
                "health says what it needs",
            )
            operator = Operator.__new__(Operator)
            operator.folder, operator.secrets = tmp_path, dict(site.environment())
            done = operator.authorize_as_a_process(
                "deskera", lambda it: f"{REDIRECT}?code=sandbox-code&state={state_of(it)}"
            )
            assert done.code == 0, done
            assert "the running bridge works with deskera" in done.out
            until(lambda: "needs authorisation" not in site.get("/health").text, "health is content again")
        finally:
            daemon.stop()
