"""One broken rule: a single replacement of text inside one function, and the tests that must notice."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class MutantDoesNotFit(Exception):
    """The table no longer fits the code; the message names the wrong entry."""


@dataclass(frozen=True)
class Mutant:
    """`rule`: the broken rule, in words. `tests`: files or single tests below tests/.

    place: a file below bridge/ and a name in it, as in `store/finish.py::Booking.finish`: a function, a class or a
    value of the module. `old` occurs exactly once inside it; the rest of the file does not count.
    """

    rule: str
    place: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def file(self) -> str:
        return self.place.partition("::")[0]

    @property
    def name(self) -> str:
        return self.place.partition("::")[2]

    def problem(self, root: Path) -> str:
        """Return why this mutant cannot be made from the code below `root`; "" when it can."""
        path = root / "bridge" / self.file
        if not path.is_file():
            return f"{self.rule}: there is no bridge/{self.file}"
        text = path.read_text()
        parts = _parts(text, self.name)
        if len(parts) != 1:
            return f"{self.rule}: {self.name!r} stands {len(parts)} times in bridge/{self.file}, not once"
        found = text[parts[0]].count(self.old)
        if found != 1:
            return f"{self.rule}: the old text stands {found} times in bridge/{self.place}, not once:\n{self.old}"
        missing = [test for test in self.tests if not _is_there(root, test)]
        return f"{self.rule}: there is no test {', '.join(missing)}" if missing else ""

    def broken(self, root: Path) -> str:
        """Return the file's text with the rule broken. Raises MutantDoesNotFit."""
        problem = self.problem(root)
        if problem:
            raise MutantDoesNotFit(problem)
        text = (root / "bridge" / self.file).read_text()
        (part,) = _parts(text, self.name)
        return text[: part.start] + text[part].replace(self.old, self.new) + text[part.stop :]


def _parts(text: str, name: str) -> list[slice]:
    """Return where the text with this qualified name begins and ends."""
    return [part for called, part in _all_parts(text) if called == name]


@cache  # many rules are broken in one file
def _all_parts(text: str) -> list[tuple[str, slice]]:
    ends = [0]
    for line in text.splitlines(keepends=True):
        ends.append(ends[-1] + len(line))
    return [(called, slice(ends[first - 1], ends[last])) for called, first, last in _named(ast.parse(text))]


def _named(node: ast.AST, within: str = "") -> Iterator[tuple[str, int, int]]:
    """Yield qualified names below a node, with their first and last lines; values of the module only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{within}{child.name}"
            yield name, min(one.lineno for one in (child, *child.decorator_list)), _last(child)
            yield from _named(child, f"{name}.")
            continue
        if isinstance(node, ast.Module) and isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            yield from ((one.id, child.lineno, _last(child)) for one in targets if isinstance(one, ast.Name))
        yield from _named(child, within)


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _is_there(root: Path, test: str) -> bool:
    file, _, name = test.partition("::")
    path = root / "tests" / file
    return path.is_file() and (not name or f"def {name}(" in path.read_text())
