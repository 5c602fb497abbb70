"""A person's errors are reported in our words: no class names, no regular expressions, no library texts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import BaseModel

from bridge.app.plan import OPTIONS
from bridge.app.rehearsal import read_record
from bridge.connectors.registry import CONNECTORS
from bridge.connectors.transport import WORDS, in_words
from bridge.domain.errors import ConfigError, Problem
from bridge.files.document import Problems, read_documents
from bridge.settings.model import Settings
from bridge.settings.problems import Places
from bridge.settings.validation import PATTERNS, validated

ROOT = Path(__file__).parents[2]
FOREIGN = re.compile(
    r"<class|\[<|\^\[|\\[dswA]|\)\$|\b[A-Za-z]+(?:Error|Exception)\b|[Ss]hould (?:be|have|match)|validation|isoformat"
    r"|ConversionSyntax|codec|Errno|unable to parse|valid (?:integer|string|number|boolean|dictionary)|Expecting"
    r"|parsing|<(?:stream|block|document)|NoneType|\bdict\b|\bstr\b|no explanation"
)
WRONG: tuple[Any, ...] = (
    "",
    "...",
    "many",
    "-1",
    "0",
    -1,
    0,
    1e9,
    10**30,
    1.5,
    True,
    None,
    [],
    {},
    "htps://x",
    "a b",
    ["x"],
    {"x": 1},
)


def test_the_rule_finds_foreign_words() -> None:
    for text in (
        "cannot connect (ClientConnectorError)",
        "[<class 'decimal.ConversionSyntax'>]",
        "Invalid isoformat string: 'soon'",
        "String should match pattern '^https?://'",
        "Value should have at least 16 items after validation",
        "401: no explanation",
        "Expecting ',' delimiter: line 1 column 5",
        "expected ',' or ']', but got '<stream end>'",
    ):
        assert FOREIGN.search(text), text
    assert not FOREIGN.search("`https` must be an address that begins with https:// (deals.yaml:3:4)")


def ours(problems: list[Problem]) -> None:
    for problem in problems:
        assert not FOREIGN.search(problem.what), problem
        assert problem.what != "is not of the kind that is expected here", problem
        assert problem.what != "has a form that is not allowed here", problem


def places_of(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return every key of the model and of the sections below it; `x` stands for a name that the operator chooses."""
    for name, info in model.model_fields.items():
        inner = [one for one in (info.annotation, *getattr(info.annotation, "__args__", ())) if isinstance(one, type)]
        section = next((one for one in inner if issubclass(one, BaseModel)), None)
        many = getattr(info.annotation, "__origin__", None) is dict
        yield (*above, name)
        if section is not None:
            yield from places_of(section, (*above, name, *(["x"] if many else [])))


MODELS = {"settings": Settings, **OPTIONS}
KEYS = [(name, key) for name, model in MODELS.items() for key in places_of(model)]


@pytest.mark.parametrize(("name", "key"), KEYS, ids=lambda part: part if isinstance(part, str) else ".".join(part))
def test_any_problem_of_the_settings_is_reported_in_our_words(name: str, key: tuple[str, ...]) -> None:
    for wrong in WRONG:
        values: dict[str, Any] = {}
        node = values
        for step in key[:-1]:
            node = node.setdefault(step, {})
        node[key[-1]] = wrong
        ours(validated(MODELS[name], values, Places(Path("bridge.yaml")))[1])


def test_every_pattern_of_a_setting_has_words() -> None:
    found = set()
    for model in MODELS.values():
        found |= set(re.findall(r"""["']pattern["']: ["'](.*?)["'](?=[,}])""", str(model.model_json_schema())))
    assert {pattern.replace("\\\\", "\\") for pattern in found} <= PATTERNS.keys()


@pytest.mark.parametrize("kind", [kind for kind, _ in WORDS], ids=lambda kind: kind.__name__)
def test_an_error_of_a_connection_is_reported_in_our_words(kind: type[Exception]) -> None:
    failure = kind.__new__(kind)
    if isinstance(failure, aiohttp.ClientConnectorError):
        failure._os_error = OSError(101, "Network is unreachable")
    assert in_words(failure) in [words for _, words in WORDS]
    assert not FOREIGN.search(in_words(failure))


def test_a_refused_connection_says_that_nothing_listens() -> None:
    failure = aiohttp.ClientConnectorError.__new__(aiohttp.ClientConnectorError)
    failure._os_error = ConnectionRefusedError(111, "Connection refused")
    assert in_words(failure) == "the connection was refused: nothing listens there"


BROKEN_YAML = (
    "a: b: c\n", "a: [1\n", "a: 'x\n", 'a: "\\q"\n', 'a: "\\xZZ"\n', "a: *none\n", "a: b\n  c: d\n", "\ta: b\n",
    "a: {b\n",
    "- a\nb: c\n", "a: @x\n", "a: %x\n", "? [a]\n: b\n", "a: \x07\n", "a: |\n x\n y: z\n- q\n", "a: !!python/x y\n",
    "{a: 1, a: 2}\n", "a: `x`\n", "]\n", "a\nb: c\n", "%YAML 3.0\n---\na\n", "a: !h!x y\n",
)  # fmt: skip


@pytest.mark.parametrize("text", BROKEN_YAML)
def test_broken_yaml_is_reported_in_our_words(text: str) -> None:
    problems = Problems()
    read_documents(text, "m.yaml", problems)
    for problem in problems.found:
        assert not FOREIGN.search(problem.what), problem


@pytest.mark.parametrize("raw", ['"soon"', '""', "12", "true", '"2026-13-45"', '"1_000x"', "[]", "{}"])
@pytest.mark.parametrize(
    ("product", "entity", "column"),
    [
        ("pipedrive", "deal", "expected_close_date"),
        ("pipedrive", "deal", "update_time"),
        ("deskera", "crm_deal", "amount"),
    ],
)
def test_a_wrong_value_of_a_written_record_is_reported_in_our_words(
    tmp_path: Path, product: str, entity: str, column: str, raw: str
) -> None:
    file = tmp_path / "r.json"
    file.write_text(f'{{"{column}": {raw}}}')
    try:
        read_record(file, CONNECTORS[product].manifest.entities[entity])
    except ConfigError as error:
        told = [problem.what for problem in error.problems]
    else:
        told = []
    assert not [what for what in told if FOREIGN.search(what)]


SOURCES = [path for path in sorted((ROOT / "bridge").rglob("*.py")) if "simulators" not in path.parts]
TELLS = {
    "Fault",
    "ConfigError",
    "ClickException",
    "TransportFailed",
    "Unreachable",
    "RetryLater",
    "Rejected",
    "NotText",
}
TELLS |= {"NeedsAuthorisation", "OutcomeUnknown", "DuplicateRefused", "BadCallback", "NotAuthorised", "Words"}
OWN_CODE = {"bridge/app/functions.py"}  # an error in the operator's Python, in Python's words
UNSENDABLE = {"bridge/connectors/deskera/books/forms.py"}  # a defect of the program, not a mistake of a person


def test_no_message_names_a_class() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in SOURCES}
    wrong = {name: lines for name, text in texts.items() if (lines := list(naming_a_class(text)))}
    assert wrong.keys() - OWN_CODE - UNSENDABLE == set(), wrong


def naming_a_class(text: str) -> Iterator[int]:
    """Return lines of messages that contain the name of a class or of a Python function."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in TELLS:
            said = "".join(
                part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            if "__name__" in ast.unparse(node) or "isoformat" in said:
                yield node.lineno


def test_the_rule_on_classes_can_fail() -> None:
    text = 'Fault("here", type(value).__name__)\nFault("here", "no isoformat")\nlog(type(value).__name__)\n'
    assert list(naming_a_class(text)) == [1, 2]
