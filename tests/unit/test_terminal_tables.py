"""Tables on a terminal are as wide as the terminal, lose no text, and use colours only where they are wanted."""

import re

import pytest

from bridge.cli import shown
from bridge.cli.terminal import print_table

LONG = "the vendor refused it: " + "this value is not one of those that are allowed here " * 4
ROWS = [
    ["mapping", "record", "attempts", "coalesced", "reason"],
    ["organizations", "crm organization 7", "3", "0", LONG],
    ["people", "crm person 12345678", "0", "0", "short"],
]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 400])
def test_no_line_is_wider_than_the_terminal_and_every_word_is_there(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(ROWS)
    lines = printed(capsys)
    assert max(len(line) for line in lines) <= width
    columns = range(5) if width == 400 else (0, 1, 2, 4)  # the fourth column is empty
    told = "".join(row[number] for row in ROWS for number in columns)
    assert sorted("".join(lines).replace(" ", "")) == sorted(told.replace(" ", ""))


def test_names_and_numbers_stay_whole_while_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    print_table(ROWS)
    text = "\n".join(printed(capsys))
    assert "organizations" in text
    assert "crm person 12345678" in text


def test_colours_are_left_out_where_they_are_not_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [["mapping", "mode"], ["people", "live"]]
    print_table(rows)
    assert "\x1b[32mlive" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    print_table(rows)
    assert "\x1b[32m" not in capsys.readouterr().out


def test_without_a_terminal_a_row_is_one_whole_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown.table(ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ROWS)
    assert lines[1].endswith(LONG.rstrip())
    assert "\x1b" not in "".join(lines)


def test_a_long_line_is_wrapped_below_its_text_on_a_terminal_and_is_one_line_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = f"warn  disk  {LONG}".rstrip()
    monkeypatch.setenv("COLUMNS", "60")
    shown.say(told, hang=12)
    assert capsys.readouterr().out == told + "\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown.say(told, hang=12)
    first, *more = capsys.readouterr().out.splitlines()
    assert first.startswith("warn  disk  the vendor refused it:")
    assert more
    assert all(len(line) <= 60 and line[:12].isspace() and not line[12].isspace() for line in more)
    assert " ".join([first, *(line.strip() for line in more)]) == told
    shown.say("  as it is indented " + LONG)
    assert {len(line) - len(line.lstrip()) for line in capsys.readouterr().out.splitlines()[1:]} == {4}


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with shown.progress("at work", 3) as told:
        told(1, "one")
    assert capsys.readouterr() == ("", "")
