"""`bridge init` writes where each secret is, and what else the way to sign in needs."""

from pathlib import Path

import pytest

from bridge.app.folder import WAYS
from bridge.connectors.registry import CONNECTORS
from bridge.files.document import Problems, plain, read_documents
from bridge.settings.secrecy import holds_secret
from tests.acceptance.site import run_command

ADDRESSES = ("--set", "deskera.base_url=https://d.example", "--set", "deskera.client_id=x")


def made(folder: Path, pair: str, *more: str) -> dict[str, dict[str, object]]:
    """The options of each product as `bridge init` wrote them."""
    assert run_command(folder / "none", "init", pair, str(folder), "--no-ask", *more).code == 0
    (root,) = read_documents((folder / "bridge.yaml").read_text(), "bridge.yaml", Problems())
    return {name: system["options"] for name, system in plain(root)["systems"].items()}


@pytest.mark.parametrize("pair", ["pipedrive-superoffice", "entrust-deskera", "bottlecrm-tryton"])
@pytest.mark.parametrize(("kept", "place"), [("env", "env"), ("files", "file"), ("credentials", "credential")])
def test_every_secret_that_a_product_needs_is_written_with_its_place(
    tmp_path: Path, pair: str, kept: str, place: str
) -> None:
    for product, options in made(tmp_path, pair, "--secrets", kept).items():
        fields = CONNECTORS[product].options.model_fields
        way = next(iter(WAYS[product].values()))
        for name in way:
            if holds_secret(fields[name].annotation):
                value = options[name]
                assert isinstance(value, dict)
                assert list(value) == [place], (product, name)
            elif fields[name].is_required() or fields[name].default is None:
                assert options[name] == "...", (product, name)


def test_settings_whose_secrets_are_credentials_pass_check_where_those_are(tmp_path: Path) -> None:
    mine, credentials = tmp_path / "mine", tmp_path / "credentials"
    credentials.mkdir()
    for name in ("instance-secret", "pipedrive-api-token", "from-the-vault"):
        (credentials / name).write_text("0123456789abcdef0123456789abcdef")
    places = ("--secrets", "credentials", "--set", "deskera.client_secret=credential:from-the-vault")
    url = ("--public-url", "https://bridge.acme.example")
    assert made(mine, "pipedrive-deskera", *places, *url, *ADDRESSES)["deskera"]["client_secret"] == {
        "credential": "from-the-vault"
    }
    checked = run_command(mine / "bridge.yaml", "check", variables={"CREDENTIALS_DIRECTORY": str(credentials)})
    assert (checked.code, checked.err) == (0, ""), checked.err


def test_a_secret_on_the_command_line_is_refused_with_the_places_there_are(tmp_path: Path) -> None:
    done = run_command(tmp_path / "none", "init", "pipedrive-deskera", str(tmp_path), "--set", "pipedrive.api_token=x")
    assert (done.code, "write env:NAME, file:PATH or credential:NAME" in done.err) == (2, True)
