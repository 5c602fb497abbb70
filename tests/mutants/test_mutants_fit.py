"""The table of broken rules fits the code; `python -m tests.mutants.run` tries them."""

import ast
from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, MutantDoesNotFit
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]


def test_every_mutant_fits_the_code_and_its_tests_exist() -> None:
    assert [problem for mutant in MUTANTS if (problem := mutant.problem(ROOT))] == []


def test_every_mutant_is_a_different_program_that_runs() -> None:
    sound = {file: program((ROOT / "bridge" / file).read_text()) for file in {mutant.file for mutant in MUTANTS}}
    assert [mutant.rule for mutant in MUTANTS if program(mutant.broken(ROOT)) == sound[mutant.file]] == []


def program(text: str) -> str:
    return ast.dump(ast.parse(text))


def test_every_rule_is_broken_once() -> None:
    assert len({mutant.rule for mutant in MUTANTS}) == len(MUTANTS)


CODE = """
class Books:
    def book(self):
        return 1 + 1

    def close(self):
        return 1

def book():
    return 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "bridge").mkdir()
    (tmp_path / "bridge/books.py").write_text(CODE)
    return tmp_path


def test_a_rule_is_broken_in_the_named_function_and_nowhere_else(root: Path) -> None:
    broken = Mutant("closing gives nothing", "books.py::Books.close", "return 1", "return 0", ()).broken(root)
    assert broken == CODE.replace("close(self):\n        return 1\n", "close(self):\n        return 0\n")


@pytest.mark.parametrize(
    ("place", "old", "told"),
    [
        ("gone.py::book", "1", "there is no bridge/gone.py"),
        ("books.py::Books.open", "1", "'Books.open' stands 0 times in bridge/books.py"),
        ("books.py", "1", "'' stands 0 times"),
        ("books.py::book", "not there", "the old text stands 0 times"),
        ("books.py::Books.book", "1", "the old text stands 2 times"),
    ],
)
def test_a_mutant_that_does_not_fit_says_why(root: Path, place: str, old: str, told: str) -> None:
    with pytest.raises(MutantDoesNotFit, match=told):
        Mutant("a rule", place, old, "", ()).broken(root)


def test_a_missing_test_is_reported(root: Path) -> None:
    with pytest.raises(MutantDoesNotFit, match=r"there is no test unit/test_gone\.py"):
        Mutant("a rule", "books.py::book", "1", "2", ("unit/test_gone.py",)).broken(root)
