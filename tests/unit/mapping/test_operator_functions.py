"""The operator's file of functions is loaded once and tried with its examples; all problems are reported at once."""

from pathlib import Path

import pytest

from bridge.app.functions import load_functions
from bridge.domain.errors import ConfigError

HEAD = "from bridge.mapping.functions import Function\n"
GOOD = HEAD + 'FUNCTIONS = [Function("swap", lambda t: t[::-1], lambda t: t[::-1], examples=(("ab", "ba"),))]\n'


def test_functions_are_loaded_by_name_and_know_when_their_code_changed(tmp_path: Path) -> None:
    file = tmp_path / "functions.py"
    file.write_text(GOOD)
    before = load_functions(file)["swap"]
    assert before.function("ab") == "ba"
    file.write_text(GOOD + "# changed\n")
    assert load_functions(file)["swap"].revision != before.revision
    assert load_functions(None) == {}


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (None, ["the file of functions cannot be used: there is no such file"]),
        ("def x(:\n", ["f.py:1: the file of functions cannot be run: SyntaxError"]),
        ("1 / 0\n", ["the file of functions cannot be run: ZeroDivisionError"]),
        ("FUNCTIONS = [str]\n", ["there is no list called FUNCTIONS"]),
        (HEAD + 'FUNCTIONS = [Function("x", str)]\n', ["x: it has no examples"]),
        (HEAD + 'FUNCTIONS = [Function("trim", str, examples=(("a", "a"),))]\n', ["trim: this is the name of"]),
        (
            HEAD + 'F = Function("x", str.upper, str.upper, examples=(("a", "A"),))\nFUNCTIONS = [F, F]\n',
            ["x: the inverse: `A` became `A`, and the example says `a`", "x: two functions have this name"],
        ),
        (
            HEAD + 'FUNCTIONS = [Function("x", lambda t: t.y, examples=(("a", "A"),))]\n',
            ["x: function x failed on `a` with AttributeError"],
        ),
    ],
)
def test_every_problem_of_a_file_of_functions_is_reported(
    tmp_path: Path, text: str | None, messages: list[str]
) -> None:
    file = tmp_path / "f.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_functions(file)
    for message in messages:
        assert message in str(caught.value)
