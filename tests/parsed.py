"""Each text of a mapping file is parsed once in one test process.

The bridge reads its files when it starts. Tests start hundreds of bridges and commands on the same shipped files, and
reading YAML in Python is most of that time. The parsed form is a value that is never changed.
"""

from collections.abc import Collection
from functools import lru_cache

from bridge.domain.errors import Problem
from bridge.files.document import Node, Problems, read_documents
from bridge.mapping import load


@lru_cache(maxsize=500)
def _parsed(text: str, file: str) -> tuple[tuple[Node, ...], tuple[Problem, ...]]:
    problems = Problems()
    return tuple(read_documents(text, file, problems)), tuple(problems.found)


def _read(text: str, file: str, problems: Problems, only: Collection[str] | None = None) -> list[Node]:
    if only is not None:
        return read_documents(text, file, problems, only)
    nodes, found = _parsed(text, file)
    problems.found += found
    return list(nodes)


def share_parsed_files() -> None:
    """From now on, share parsed files wherever mappings are read in this process."""
    load.read_documents = _read  # type: ignore[attr-defined]
