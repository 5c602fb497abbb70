"""The remedy for a refused credential fits its kind, and every command that a text names exists."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from bridge.app.authorize import Request, prepare, renewals
from bridge.app.plan import OPTIONS
from bridge.cli.main import main
from bridge.domain.seams import Seams
from bridge.settings.load import load_settings, validate_options
from bridge.settings.model import Settings
from bridge.store import open_store
from bridge.store.model import SystemRow

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"`bridge ([a-z][^`\n]*)`")
PAGES = (
    "README.md",
    "docs/operations.md",
    "docs/hooks.md",
    "docs/verify.md",
    "docs/store.md",
    "docs/mapping.md",
    "docs/settings.md",
    "config/bridge.yaml",
)
KINDS = {
    "api token": "pipedrive: {base_url: 'https://p.example', api_token: {env: SECRET}}",
    "app": "pipedrive: {client_id: x, client_secret: {env: SECRET}}",
    "deskera": "deskera: {base_url: 'https://bifrost.deskera.com', client_id: x, client_secret: {env: SECRET}}",
    "page unknown": "deskera: {base_url: 'https://d.example', client_id: x, client_secret: {env: SECRET}}",
    "password": "superoffice: {base_url: 'https://s.example', username: u, password: {env: SECRET}}",
    "superoffice app": "superoffice: {tenant: Cust1, client_id: x, client_secret: {env: SECRET}}",
    "shared secret": "entrust: {base_url: 'https://e.example', application_id: x, shared_secret: {env: SECRET}}",
}
FILE = """\
instance: test
instance_secret: {{env: SECRET}}
public_url: https://bridge.example.com
store: {{url: "sqlite:///bridge.sqlite"}}
systems:
  it:
    connector: {product}
    options: {options}
sides: {{crm: it}}
"""


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[[str], Settings]:
    def made(kind: str) -> Settings:
        product, _, options = KINDS[kind].partition(": ")
        (tmp_path / "bridge.yaml").write_text(FILE.format(product=product, options=options))
        return load_settings(tmp_path / "bridge.yaml", {"SECRET": "0123456789abcdef"})

    return made


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("api token", "api_token"),
        ("password", "password"),
        ("shared secret", "shared_secret"),
    ],
)
def test_a_credential_of_the_settings_is_renewed_there(
    settings_of: Callable[[str], Settings], kind: str, names: str
) -> None:
    settings = settings_of(kind)
    said = renewals(settings, validate_options(settings, OPTIONS))["it"]
    assert re.fullmatch(rf"renew {names} \(.*bridge.yaml:8\) at the product, then start `bridge run` again", said)


def test_the_remedy_names_a_possible_consent(settings_of: Callable[[str], Settings]) -> None:
    settings = settings_of("page unknown")
    said = renewals(settings, validate_options(settings, OPTIONS))["it"]
    assert said.endswith("(or add consent_url to ask there: `bridge authorize it`)")


@pytest.mark.parametrize("kind", ["app", "deskera", "superoffice app"])
def test_a_consent_is_renewed_in_the_browser(settings_of: Callable[[str], Settings], kind: str) -> None:
    settings = settings_of(kind)
    assert renewals(settings, validate_options(settings, OPTIONS)) == {"it": "run `bridge authorize it`"}


@pytest.mark.parametrize("kind", KINDS)
async def test_authorize_works_exactly_where_the_remedy_names_it(
    settings_of: Callable[[str], Settings], kind: str
) -> None:
    settings = settings_of(kind)
    said = renewals(settings, validate_options(settings, OPTIONS))["it"]
    asked = await prepare(settings, "it")
    assert isinstance(asked, Request) == said.startswith("run `bridge authorize")
    if isinstance(asked, str):
        assert said in asked
        assert "check --live" not in asked


async def test_a_stopped_system_is_stored_with_its_remedy(sqlite_url: str, new_seams: Callable[..., Seams]) -> None:
    store = await open_store(sqlite_url, new_seams())
    store.systems.renewals = {"crm1": "renew api_token"}
    for name in ("crm1", "erp1"):
        await store.systems.save(SystemRow(name, stopped="needs authorisation: the token is refused"))
        await store.systems.save(await store.systems.get(name))  # once is enough
    assert await store.systems.unusable("crm1") == (
        "crm1 is stopped: needs authorisation: the token is refused; renew api_token"
    )
    assert (await store.systems.get("erp1")).stopped == "needs authorisation: the token is refused"
    await store.close()


def texts() -> Iterator[tuple[str, str]]:
    """Return (where, text) for every text of pages and files that names a command; later values become WORD."""
    for page in PAGES:
        yield page, (ROOT / page).read_text()
    for file, source in ((file, file.read_text()) for file in sorted((ROOT / "bridge").rglob("*.py"))):
        if "`bridge " not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "WORD" for part in node.values]
                yield str(file.relative_to(ROOT)), "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield str(file.relative_to(ROOT)), node.value


def test_every_command_a_text_names_exists_and_accepts_its_arguments() -> None:
    named = sorted({(where, found) for where, text in texts() for found in NAMED.findall(text)})
    assert len(named) > 40
    assert [(where, line, problem) for where, line in named if (problem := refused(line))] == []


def refused(line: str) -> str:
    """Return why this command line would be refused, or "". A command without arguments is only mentioned."""
    words = [re.sub(r"^\[(.*)\]$", r"\1", word).replace("NAME", "pipedrive") for word in line.split()]
    rest = [word for word in words if word != "..."]
    command: click.Command = main
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            return f"there is no command {rest[0]!r}"
        command, rest = found, rest[1:]
    if rest:
        try:
            command.make_context(command.name, list(rest))
        except click.UsageError as error:
            return error.format_message()
    return ""


def test_the_rule_on_commands_can_fail() -> None:
    assert [bool(refused(line)) for line in ("status", "stats", "status --nothing", "why crm deal 7")] == [
        False,
        True,
        True,
        False,
    ]
