"""Checks the rules of the architecture: layers, seams, sizes."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from bridge.admin.routes import PAGES
from bridge.alerts.watch import SEND
from bridge.app.listening import OPERATIONS
from bridge.cli.main import COMMANDS, COMPLETE
from bridge.cli.shown import CONSOLE, PROGRESS
from bridge.connectors.registry import CONNECTORS, PLACES
from bridge.domain.late import late
from bridge.files.document import COMPOSE
from bridge.mapping.types.email import SYNTAX
from bridge.mapping.types.places import ALIASES, CURRENCIES, NAMES
from bridge.monitoring.traces import OTEL
from bridge.store.database import POSTGRES, SQLITE
from bridge.store.engine import (
    DELETIONS,
    EVENTS,
    FIGURES,
    FORGOTTEN,
    LINKS,
    MIGRATE,
    PINNED,
    QUESTIONS,
    RECORDS,
    RETENTION,
    SEARCH,
    SWEEPS,
    TASKS,
    UNLINKED,
    VERIFICATIONS,
    VITALS,
)
from bridge.store.requests import INTAKE
from bridge.store.standing import LOCK_LINKS
from bridge.store.statements import POSTGRES_INSERT, SQLITE_INSERT

ROOT = Path(__file__).parents[2]
BRIDGE = ROOT / "bridge"
FILES = sorted(BRIDGE.rglob("*.py"))

# Only these files may take clock, randomness and ids directly from the machine; all others get them as parameters.
HANDS_IN = {BRIDGE / "app" / "seams.py", BRIDGE / "simulators" / "world.py"}
DIRECT = {
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "perf_counter"),
    ("time", "sleep"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("random", "random"),
    ("random", "choice"),
    ("random", "randint"),
    ("secrets", "token_hex"),
    ("secrets", "token_urlsafe"),
    ("os", "urandom"),
    ("asyncio", "sleep"),
}
WAITS_FOR_PEOPLE = {BRIDGE / "cli"}  # commands wait for the daemon in real time


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.fixture(scope="module", autouse=True)
def _forget_the_trees() -> Iterator[None]:
    yield
    _tree.cache_clear()


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _calls(path: Path) -> set[tuple[str, str]]:
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name):  # `self.seams.random.random()` uses the given source
                found.add((owner.id, node.func.attr))
    return found


def test_clock_randomness_and_ids_are_parameters() -> None:
    checked = [path for path in FILES if path not in HANDS_IN and not WAITS_FOR_PEOPLE & set(path.parents)]
    assert len(checked) > 300
    assert {_name(path): found for path in checked if (found := _calls(path) & DIRECT)} == {}


def test_the_rule_on_seams_can_fail(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import time\nnow = time.time()\n")
    assert _calls(bad) & DIRECT


def _too_long(path: Path) -> Iterator[str]:
    """Return the file, and each of its functions, that is too long."""
    if len(path.read_text().splitlines()) > 700:
        yield path.name
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno >= 50:
                yield f"{path.name}: {node.name}"


def test_files_and_functions_stay_small() -> None:
    checked = [path for path in FILES if "migrations" not in path.parts]
    assert [found for path in checked for found in _too_long(path)] == []


def test_the_rule_on_sizes_can_fail(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n" + "    x = 1\n" * 50 + "\n" * 700)
    assert list(_too_long(bad)) == ["bad.py", "bad.py: f"]


PARTS = ("manifest", "options", "auth", "client", "columns", "records", "hooks", "callbacks", "connector")


@pytest.mark.parametrize("product", sorted(CONNECTORS))
def test_connectors_have_the_same_parts_and_each_is_composed_of_them(product: str) -> None:
    folder = BRIDGE / "connectors" / product
    polled = CONNECTORS[product].manifest.polled  # it has no callbacks, so it uses `connectors/polled` for these parts
    left_out = {"hooks", "callbacks"} if polled else set()
    assert {name for name in PARTS if not (folder / f"{name}.py").exists()} == left_out
    classes = [
        node for node in ast.walk(ast.parse((folder / "connector.py").read_text())) if isinstance(node, ast.ClassDef)
    ]
    assert [node.name for node in classes if node.bases] == []


def _growing_waits(path: Path) -> list[int]:
    """Return the lines that compute 2 to the power of a variable."""
    return [
        node.lineno
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow)
        and isinstance(node.left, ast.Constant)
        and node.left.value == 2
        and not isinstance(node.right, ast.Constant)
    ]


def test_one_formula_computes_the_wait_before_the_next_attempt() -> None:
    own = {BRIDGE / "simulators"}  # vendors have their own
    found = [path for path in FILES if not own & set(path.parents) and _growing_waits(path)]
    assert found == [BRIDGE / "domain" / "waits.py"]


def test_one_file_creates_the_http_session_of_the_process() -> None:
    makers = [path for path in FILES if "ClientSession(" in path.read_text() and "simulators" not in path.parts]
    assert makers == [BRIDGE / "connectors" / "transport.py"]


# Modules that are imported by name when they are needed: the importing file, and the literal modules named there.
# Nothing else may import so, because neither a reader nor the import contracts can see what it imports.
STORE_PARTS = (
    DELETIONS,
    EVENTS,
    FIGURES,
    FORGOTTEN,
    LINKS,
    PINNED,
    QUESTIONS,
    RECORDS,
    RETENTION,
    SEARCH,
    SWEEPS,
    TASKS,
    UNLINKED,
    VERIFICATIONS,
    VITALS,
)
LATE = {
    BRIDGE / "admin" / "routes.py": {PAGES[0]},
    BRIDGE / "app" / "listening.py": {OPERATIONS[0]},
    BRIDGE / "files" / "document.py": {COMPOSE[0]},
    BRIDGE / "cli" / "main.py": {COMPLETE[0], *(entry[0] for entry in COMMANDS.values())},
    BRIDGE / "store" / "database.py": {POSTGRES[0], SQLITE[0]},
    BRIDGE / "store" / "engine.py": {one[0] for one in (MIGRATE, *STORE_PARTS)},
    BRIDGE / "alerts" / "watch.py": {SEND[0]},
    BRIDGE / "monitoring" / "traces.py": {OTEL[0]},
    BRIDGE / "store" / "backup.py": {MIGRATE[0]},
    BRIDGE / "cli" / "shown.py": {CONSOLE[0], PROGRESS[0]},
    BRIDGE / "store" / "requests.py": {INTAKE[0]},
    BRIDGE / "store" / "statements.py": {POSTGRES_INSERT[0], SQLITE_INSERT[0]},
    BRIDGE / "connectors" / "registry.py": {place[0] for place in PLACES.values()},
    BRIDGE / "store" / "standing.py": {LOCK_LINKS[0]},
    BRIDGE / "mapping" / "types" / "email.py": {SYNTAX[0]},
    BRIDGE / "mapping" / "types" / "places.py": {NAMES[0], ALIASES[0], CURRENCIES[0]},
}


def test_modules_are_imported_by_name_only_where_that_is_listed() -> None:
    texts = {path: path.read_text() for path in FILES}
    assert {path for path, text in texts.items() if "from bridge.domain.late import" in text} == LATE.keys()
    assert [_name(path) for path, text in texts.items() if "__import__(" in text] == []
    assert [path for path, text in texts.items() if "import_module" in text] == [BRIDGE / "domain" / "late.py"]


@pytest.mark.parametrize("path", LATE, ids=lambda path: path.name)
def test_modules_imported_by_name_are_in_the_same_package(path: Path) -> None:
    package = ".".join(path.parent.relative_to(ROOT).parts)
    for module in LATE[path]:
        assert module.startswith(f"{package}.")
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def test_every_command_of_the_table_exists() -> None:
    for name, (module, attribute, about) in COMMANDS.items():
        command = late(module, attribute)
        assert isinstance(command, click.Command)
        assert command.name == name
        assert about.endswith(".")


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_package_index_or_machine_path_is_named() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text() + (ROOT / "requirements.lock").read_text()
    assert "http" not in "".join(line for line in lock.splitlines() if line.startswith("-"))


def _imports(files: dict[str, Path]) -> dict[str, set[str]]:
    """Module -> modules of the same set that it imports anywhere, also in functions and under `TYPE_CHECKING`.

    Importing `a.b.c` runs `a` and `a.b` first, so it depends on their imports as well. A package's own modules do not
    depend on their package for that reason alone.
    """
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        named: set[str] = set()
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Import):
                named |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named |= {f"{node.module}.{each.name}" for each in node.names} | {node.module}
        whole = {
            ".".join(parts[:end]) for each in named for parts in [each.split(".")] for end in range(1, len(parts) + 1)
        }
        mine = {".".join(name.split(".")[:end]) for end in range(1, name.count(".") + 1)}
        found[name] = (whole & files.keys()) - mine - {name}
    return found


def _cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return each set of modules that reach one another, in order of name (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(imports[name]):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(imports):
        if name not in order:
            visit(name)
    return found


def _modules(root: Path) -> dict[str, Path]:
    """Name -> file; a package is its `__init__`."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((root / "bridge").rglob("*.py"))
    }


def test_no_modules_import_one_another_in_a_ring_packages_included() -> None:
    assert _cycles(_imports(_modules(ROOT))) == []


def test_the_rule_on_rings_can_fail(tmp_path: Path) -> None:
    """A ring of two modules, and a ring through the `__init__` of a package."""
    for name, text in {
        "__init__": "",
        "a": "from bridge import b",
        "b": "import bridge.a",
        "p/__init__": "from bridge.p.inner import x",
        "p/inner": "from bridge.c import y\nx = 1",
        "c": "def f():\n    from bridge.p.other import z\ny = 1",
        "p/other": "z = 1",
    }.items():
        file = tmp_path / "bridge" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert _cycles(_imports(_modules(tmp_path))) == [
        ["bridge.a", "bridge.b"],
        ["bridge.c", "bridge.p", "bridge.p.inner"],
    ]


# A file as the page names it: `store/events`, `store/tasks.totals`, `connectors/<x>/callbacks`, `tests/sync/storm.py`.
NAMED = re.compile(r"`((?:[\w<>]+/)+)(\w*)(?:\.(\w+))?`")
PAGE = ROOT / "docs" / "architecture.md"


def _named(folder: str, name: str, inside: str) -> list[Path]:
    """Return the named files; `inside`: a name in the module, or how the file's name ends."""
    pattern = re.sub("<[a-z]+>", "*", folder) + name
    found = [
        path for root in (ROOT, BRIDGE) for path in root.glob(f"{pattern}.{inside}" if inside else pattern.rstrip("/"))
    ]
    modules = [path for path in BRIDGE.glob(f"{pattern}.py") if not inside or inside in path.read_text()]
    return found + modules


NAMES = sorted(set(NAMED.findall(PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("folder", "name", "inside"), NAMES, ids=["".join(parts) for parts in NAMES])
def test_every_file_the_architecture_page_names_exists(folder: str, name: str, inside: str) -> None:
    assert _named(folder, name, inside)


def test_a_missing_file_is_not_found() -> None:
    assert len(NAMES) > 40
    assert not _named("sync/", "synchronize", "")
    assert not _named("store/", "tasks", "no_such_name")


def test_the_architecture_page_names_every_file_of_deciding() -> None:
    told = {name for folder, name, _ in NAMES if folder == "sync/"}
    files = {path.stem for path in (BRIDGE / "sync").glob("*.py")} - {"__init__"}
    assert files <= told
