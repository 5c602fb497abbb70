"""One broken rule: a single replacement of text in the code, and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path


class MutantRotten(Exception):
    """The table no longer fits the code; the message says which line of it."""


@dataclass(frozen=True)
class Mutant:
    """`rule`: what is broken, in words. `file`: below bridge/. `tests`: files or single tests below tests/."""

    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def fault(self, root: Path) -> str:
        """Why this mutant cannot be made of the code below `root`; "" when it can."""
        path = root / "bridge" / self.file
        if not path.is_file():
            return f"{self.rule}: there is no bridge/{self.file}"
        found = path.read_text().count(self.old)
        if found != 1:
            return f"{self.rule}: the old text stands {found} times in bridge/{self.file}, not once:\n{self.old}"
        missing = [test for test in self.tests if not _is_there(root, test)]
        return f"{self.rule}: there is no test {', '.join(missing)}" if missing else ""

    def broken(self, root: Path) -> str:
        """The file's text with the rule broken. Raises MutantRotten."""
        fault = self.fault(root)
        if fault:
            raise MutantRotten(fault)
        return (root / "bridge" / self.file).read_text().replace(self.old, self.new)


def _is_there(root: Path, test: str) -> bool:
    file, _, name = test.partition("::")
    path = root / "tests" / file
    return path.is_file() and (not name or f"def {name}(" in path.read_text())
