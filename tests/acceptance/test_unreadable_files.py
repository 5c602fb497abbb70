"""Every command that reads a file, with files that are not text: one message with the file's name, and no traceback."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.site import SECRETS, Ended, Site, run_command

BAD: dict[str, bytes | None] = {
    "broken UTF-8": b"name: caf\xe9\n",
    "UTF-16": "mapping: people\n".encode("utf-16"),
    "UTF-16 without a mark": "mapping: people\n".encode("utf-16-le"),
    "NUL": b"mapping: people\x00\n",
    "surrogate in bytes": b"mapping: \xed\xa0\x80\n",
    "surrogate by number": b'{"name": "A\\ud800"}\n',
    "NUL by number": b'{"name": "A\\u0000"}\n',
    "empty": b"",
    "only blanks": b" \n\n",
    "nested without end": b"[" * 1000,  # too deep for YAML and JSON; YAML takes 30 times as long above 1,024 characters
    "a folder": None,
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    (tmp_path / "f.py").write_text("FUNCTIONS = []\n")
    (tmp_path / "secret").write_text("a-secret-of-sixteen-letters")
    (tmp_path / "ana.json").write_text('{"name": "Ana"}')
    text = site.settings.read_text().replace("{env: ACCEPT_STORE_URL}", "sqlite:///bridge.sqlite")
    text = text.replace("{env: ACCEPT_INSTANCE_SECRET}", "{file: secret}").replace("{env: ACCEPT_", "{env: UNSET_")
    site.settings.write_text(f"{text}functions_file: f.py\n")
    return site


def command_of(site: Site, *arguments: str) -> Ended:
    variables = {name.replace("ACCEPT_", "UNSET_"): value for name, value in SECRETS.items()}
    return run_command(site.settings, *arguments, variables=variables)


def spoil(file: Path, data: bytes | None) -> None:
    file.unlink()
    if data is None:
        file.mkdir()
    else:
        file.write_bytes(data)


def one_message(done: Ended, file: str) -> None:
    assert done.code == 2, done.out + done.err
    assert "1 problem:" in done.err, done.err
    assert file in done.err
    assert not [word for word in ("Errno", "Error", "codec", "<class", "JSONDecode") if word in done.err], done.err


READS: dict[str, tuple[str, list[list[str]]]] = {
    "settings": ("bridge.yaml", [["check"], ["authorize", "deskera"], ["status"], ["test"]]),
    "mappings": ("mappings/people.yaml", [["check"], ["explain", "deals", "ana.json"]]),
    "functions": ("f.py", [["test"]]),
    "secrets": ("secret", [["check"]]),
    "records": ("ana.json", [["explain", "people", "ana.json"]]),
}
CASES = [
    pytest.param(file, command, bad, id=f"{kind}-{command[0]}-{bad}")
    for kind, (file, commands) in READS.items()
    for command in commands
    for bad in BAD
]
TEXT_ALL_THE_SAME = {
    "bridge.yaml": {
        "surrogate by number",
        "NUL by number",
        "a folder",
    },  # another test; the command line refuses it
    "mappings/people.yaml": {"surrogate by number", "NUL by number"},  # another test checks it
    "secret": {"surrogate by number", "NUL by number", "nested without end"},
    "f.py": {"surrogate by number", "NUL by number", "empty", "only blanks", "nested without end"},
}
CASES = [case for case in CASES if case.values[2] not in TEXT_ALL_THE_SAME.get(str(case.values[0]), ())]


@pytest.mark.parametrize(("file", "command", "bad"), CASES)
def test_a_file_that_is_no_text_is_one_message(
    site: Site, monkeypatch: pytest.MonkeyPatch, file: str, command: list[str], bad: str
) -> None:
    monkeypatch.chdir(site.folder)
    spoil(site.folder / file, BAD[bad])
    one_message(command_of(site, *command), Path(file).name)


@pytest.mark.parametrize("number", ["\\ud800", "\\0"])
@pytest.mark.parametrize(
    ("file", "old"), [("bridge.yaml", "instance: acceptance"), ("mappings/people.yaml", "description: ")]
)
def test_an_escaped_character_that_does_not_exist_is_one_message(
    site: Site, monkeypatch: pytest.MonkeyPatch, file: str, old: str, number: str
) -> None:
    monkeypatch.chdir(site.folder)
    path = site.folder / file
    text = path.read_text() if old in path.read_text() else path.read_text().replace("conflict:", f"{old}x\nconflict:")
    path.write_text(text.replace(f"{old}x" if file != "bridge.yaml" else old, f'{old.partition(":")[0]}: "a{number}"'))
    one_message(command_of(site, "check"), Path(file).name)


def test_a_byte_order_mark_is_no_mistake(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.folder)
    for name in ("bridge.yaml", "mappings/people.yaml", "f.py", "secret", "ana.json"):
        file = site.folder / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    for command in (["check"], ["test"], ["explain", "people", "ana.json"]):
        done = command_of(site, *command)
        assert done.code == 0, done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
@pytest.mark.parametrize("file", ["bridge.yaml", "mappings/people.yaml", "f.py", "secret", "ana.json"])
def test_a_file_without_permission_is_one_message(site: Site, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    monkeypatch.chdir(site.folder)
    (site.folder / file).chmod(0)
    command = ["explain", "people", "ana.json"] if file == "ana.json" else ["check"]
    done = command_of(site, *command)
    assert (done.code, "may not be read by this user" in done.err) == (2, True)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")])
def test_an_error_of_the_machine_is_reported_in_plain_words(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    monkeypatch.chdir(site.folder)

    def refused(path: Path) -> bytes:
        raise error

    monkeypatch.setattr(Path, "read_bytes", refused)
    done = command_of(site, "explain", "people", "ana.json", "--mappings", "mappings")
    assert done.code == 2
    assert ("may not be read by this user" in done.err) or ("cannot be read (input/output error)" in done.err)


def test_a_place_that_cannot_be_written_is_one_message(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.folder)
    saved = command_of(site, "explain", "people", "ana.json", "--save", "no/such/folder.json")
    assert (saved.code, "no/such/folder.json: there is no such" in saved.err) == (2, True), saved.err


def test_a_folder_that_cannot_be_created_is_one_message(site: Site) -> None:
    done = command_of(site, "init", "pipedrive-deskera", str(site.folder / "ana.json" / "mine"))
    assert (done.code, "cannot be created (not a directory)" in done.err) == (2, True), done.err


def test_the_schema_knows_the_operators_functions_without_any_secret(site: Site) -> None:
    own = "from bridge.mapping.functions import Function\n"
    own += 'FUNCTIONS = [Function("shout", str.upper, str.lower, examples=(("a", "A"),))]\n'
    (site.folder / "f.py").write_text(own)
    ended = run_command(site.settings, "schema")
    assert (ended.code, '"shout"' in ended.out) == (0, True)


def test_an_argument_that_is_no_text_is_one_message(site: Site) -> None:
    done = command_of(site, "why", "crm", "deal", os.fsdecode(b"\xff"))
    assert (done.code, "contains half a character" in done.err) == (2, True)


ATTEMPTS: dict[str, Callable[[Site], list[str]]] = {
    "a folder": lambda site: ["explain", "people", str(site.folder)],
    "a missing file": lambda site: ["explain", "people", "no-such.json"],
    "a missing mapping file": lambda site: ["test", str(site.folder / "none.yaml")],
    "a file that is not a mapping": lambda site: ["test", str(site.folder / "ana.json")],
}


@pytest.mark.parametrize("which", ATTEMPTS)
def test_a_file_of_the_wrong_kind_is_one_message(site: Site, which: str) -> None:
    done = command_of(site, *ATTEMPTS[which](site))
    assert (done.code, "1 problem:" in done.err) == (2, True), done.err
