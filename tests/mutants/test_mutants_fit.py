"""The table of broken rules fits the code as it is; `python -m tests.mutants.run` tries them."""

import ast
from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, MutantRotten
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]


def test_every_mutant_can_still_be_made_of_the_code_and_its_tests_are_there() -> None:
    assert [fault for mutant in MUTANTS if (fault := mutant.fault(ROOT))] == []


def test_every_mutant_is_another_program_and_one_that_runs() -> None:
    for mutant in MUTANTS:
        sound = (ROOT / "bridge" / mutant.file).read_text()
        assert ast.dump(ast.parse(mutant.broken(ROOT))) != ast.dump(ast.parse(sound)), mutant.rule


def test_every_rule_is_broken_once() -> None:
    assert len({mutant.rule for mutant in MUTANTS}) == len(MUTANTS)


def test_text_that_is_not_found_exactly_once_is_told() -> None:
    with pytest.raises(MutantRotten, match="stands 0 times"):
        Mutant("no such rule", "sync/linked.py", "not there", "", ()).broken(ROOT)
