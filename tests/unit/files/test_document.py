"""YAML files that people write: the place of each key and value, and problems."""

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.files.composed import compose
from bridge.files.document import Place, Problems, Table, plain, read_documents, without_others


def test_every_key_and_value_knows_its_place() -> None:
    (root,) = read_documents("a: 1\nb:\n  c: [x, y]\n", "f.yaml", Problems())
    assert isinstance(root, Table)
    inner = root.entries["b"]
    assert isinstance(inner, Table)
    assert (root.keys["b"].place, inner.entries["c"].place) == (Place("f.yaml", 2, 1), Place("f.yaml", 3, 6))
    assert plain(root) == {"a": 1, "b": {"c": ["x", "y"]}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2\n", "f.yaml:2:1: `a` is written twice"),
        ("a: !x 1\n", "f.yaml:1:4: a tag (!NAME) means nothing here"),
        ("a: [1\n", "f.yaml:2:1: this is not YAML: a bracket that is not closed"),
        ("a: &x {b: *x}\n", "f.yaml:1:4: an anchor that contains itself"),
        (f"a: {'[' * 60}{']' * 60}\n", "f.yaml:1:53: this is nested too deeply"),
        ("{a: b}: 1\n", "f.yaml:1:1: a list or table used as a name"),
    ],
)
def test_problems_are_reported_with_their_place(text: str, told: str) -> None:
    problems = Problems()
    read_documents(text, "f.yaml", problems)
    (problem,) = problems.found
    assert str(problem).startswith(told)


def test_keys_that_are_not_requested_are_left_out_with_their_problems() -> None:
    problems = Problems()
    (root,) = read_documents("a: !x 1\na: 2\nb: {c: 1}\n", "f.yaml", problems, {"b"})
    assert (plain(root), problems.found) == ({"b": {"c": 1}}, [])


WORD = st.from_regex(r"[A-Za-z/][A-Za-z0-9_./:@%+=?&-]{0,8}", fullmatch=True)
ODDITIES = ("", "''", '"a"', "{env: A}", "[a]", "12", "- a", "*a", "!x y", "|", "a b", "a #b", "a: b", "~")
ODD = st.sampled_from(ODDITIES)
KEY = st.sampled_from(["url", "a", "_b1", "true"])
COMMENT = st.sampled_from(["", " # text: {a}", "  #", "# near", " # \x07", " # é"])
LINES = st.lists(st.tuples(st.sampled_from([2, 2, 2, 4, 0]), KEY, WORD | WORD | WORD | ODD, COMMENT), max_size=3)


@given(LINES, st.sampled_from(["store:", "store: ", "store: x", "store: # here", "'store':", "# store:\nstore:"]))
@example([(2, "url", "sqlite:///bridge.sqlite", "   # or {env: DATABASE_URL}")], "store:")
@example([(2, "url", "postgresql://me:secret@host:5432/bridge?ssl=on", "")], "store:")
def test_a_section_of_plain_words_is_read_as_the_whole_reader_reads_it(
    below: list[tuple[int, str, str, str]], top: str
) -> None:
    lines = [f"{' ' * indent}{key}: {word}{comment}" for indent, key, word, comment in below]
    text = "\n".join(["a: 1", "", top, *lines, "b:", "  c: 2", ""])
    found, whole = Problems(), Problems()
    read = read_documents(text, "f.yaml", found, {"store"})
    assert (read, found.found) == (compose(without_others(text, {"store"}), "f.yaml", whole, {"store"}), whole.found)


READING = """\
import sys
from bridge.files.document import Problems, read_documents
read_documents("a: {b: 1}\\nstore:\\n  url: sqlite:///x  # y\\n", "f.yaml", Problems(), {"store"})
print("ruamel.yaml" in sys.modules)
"""


def test_a_section_of_plain_words_needs_no_whole_reader() -> None:
    done = subprocess.run([sys.executable, "-c", READING], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
