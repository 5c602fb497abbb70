"""Which problems follow from another one is decided by what they carry, not by their words."""

import pytest

from bridge.domain.errors import Problem
from bridge.domain.guess import Guess, did_you_mean
from bridge.files.document import Place, Problems, read_documents
from bridge.mapping.load import document_of, mistakes, spot_of
from bridge.mapping.section import UNKNOWN_KEY

FILE = "a:7.yaml"
TEXT = (
    "mapping: people\nsides: {crm: one person, erp: two contact}\nfields:\n  name: {crm: name, erp: name, tpye: text}\n"
)
NEAR = did_you_mean("tpye", ["type"])
FOLLOWS = Problem(str(Place(FILE, 4, 9)), "nothing is written", "remove the field rule")


def kept(*problems: Problem) -> list[str]:
    (node,) = read_documents(TEXT, FILE, Problems())
    document = document_of(node)
    assert document is not None
    return [problem.what for problem in mistakes(problems, [document])]


def test_a_place_keeps_its_parts_in_a_problem_whatever_the_file_is_called() -> None:
    problems = Problems()
    problems.add(Place(FILE, 3, 4), "wrong", "correct it")
    assert spot_of(problems.found[0]) == (FILE, 3, 4)
    assert spot_of(Problem("m.yaml:3:4", "a text that only looks like a place")) == ("m.yaml:3:4", 0, 0)


@pytest.mark.parametrize(
    ("what", "remedy", "told"),
    [
        ("this key means nothing", NEAR, ["this key means nothing"]),
        ("this key means nothing", Guess("perhaps `type`?", "tpye", ["type"], "type"), ["this key means nothing"]),
        ("unknown `tpye`", "did you mean `type`?", ["nothing is written", "unknown `tpye`"]),
        ("unknown `tpye`", "write one of: type", ["nothing is written", "unknown `tpye`"]),
    ],
)
def test_what_follows_from_a_misspelt_key_is_left_out_whatever_the_words(
    what: str, remedy: str, told: list[str]
) -> None:
    assert kept(Problem(str(Place(FILE, 4, 32)), what, remedy, UNKNOWN_KEY), FOLLOWS) == told


def test_only_an_unknown_key_is_a_key_of_the_misspelt_word_beside_it() -> None:
    misspelt = Problem(str(Place(FILE, 4, 32)), "misspelt", NEAR, UNKNOWN_KEY)
    far, at = did_you_mean("qqqq", ["type"]), str(Place(FILE, 4, 22))
    assert kept(misspelt, Problem(at, "of it", far, UNKNOWN_KEY)) == ["misspelt"]
    assert kept(misspelt, Problem(at, "a value", far)) == ["a value", "misspelt"]
