"""Functions between columns and fields: what each does, its inverse, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bridge.domain.errors import ConfigError
from bridge.domain.record import Side
from bridge.mapping.functions import BUILTIN, Function
from bridge.mapping.load import load_text
from bridge.mapping.model import Mapping
from bridge.mapping.translate import read, write

from .files import HEAD

LEFT, RIGHT = Side


def through(side: str, words: str = "", functions: dict[str, Function] | None = None) -> Mapping:
    (mapping,) = load_text(HEAD + f"  f: {{crm: {side}, erp: b{words}}}\n", "m.yaml", functions or {})
    return mapping


def value_of(mapping: Mapping, record: dict[str, Any]) -> Any:
    reading = read(mapping, LEFT, record)
    return reading.problems[0].message if reading.problems else reading.values["f"]


@pytest.mark.parametrize("name", BUILTIN)
def test_a_function_of_the_language_matches_its_example_in_both_directions(name: str) -> None:
    function = BUILTIN[name]
    text, raw, value = function.example
    kind = next(k for k in ("text", "decimal", "boolean") if k in function.fits)
    written = YAML(typ="safe").load(text)
    names = written["columns"] if function.several else ["code"]
    side = text if function.several else f"{{column: code, via: {text}}}"
    one_way = name in ("part", "first-filled")
    mapping = through(side, f", type: {kind}" + (", from: crm" if one_way else ""))
    record = dict(zip(names, raw, strict=True)) if function.several else {"code": raw}
    assert value_of(mapping, record) == value
    if not one_way:
        assert value_of(mapping, write(mapping, LEFT, {"f": value}, {})) == value


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=20)


@given(texts.filter(lambda text: bool(text.strip())), st.sampled_from(["{add-prefix: C-}", "{remove-prefix: C-}"]))
def test_a_prefix_is_added_and_removed(text: str, via: str) -> None:
    mapping = through(f"{{column: a, via: [{via}]}}")
    raw = f"C-{text}"
    value = value_of(mapping, {"a": raw})
    assert write(mapping, LEFT, {"f": value}, {}) == {"a": raw}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_multiplying_and_dividing_is_exact(number: Decimal) -> None:
    mapping = through("{column: a, via: {multiply: 0.01}}", ", type: decimal")
    assert write(mapping, LEFT, {"f": value_of(mapping, {"a": number})}, {})["a"] == number


@given(st.lists(texts.map(lambda t: t.replace(";", "").strip()).filter(bool), min_size=3, max_size=3))
def test_columns_join_and_split_again(parts: list[str]) -> None:
    mapping = through("{columns: [a, b, c], via: {join: ';'}}")
    record = dict(zip("abc", parts, strict=True))
    value = value_of(mapping, record)
    assert write(mapping, LEFT, {"f": value}, {}) == record


def test_extra_words_stay_in_the_last_column_and_missing_columns_are_cleared() -> None:
    mapping = through("{columns: [a, b], via: join}")
    assert write(mapping, LEFT, {"f": "Anna Maria Lund"}, {}) == {"a": "Anna", "b": "Maria Lund"}
    assert write(mapping, LEFT, {"f": "Anna"}, {}) == {"a": "Anna", "b": None}
    assert write(mapping, LEFT, {"f": None}, {}) == {"a": None, "b": None}


def test_functions_run_in_the_order_written_and_back_in_the_other() -> None:
    mapping = through("{column: a, via: [trim, {remove-prefix: C-}, {remove-zeros: 6}]}", ", type: integer")
    assert value_of(mapping, {"a": " C-000417 "}) == 417
    assert write(mapping, LEFT, {"f": 417}, {}) == {"a": "C-000417"}


def test_a_value_table_is_applied_after_the_functions() -> None:
    mapping = through("{column: a, via: [trim, upper]}", ", table: {GOLD: A, TIN: B}")
    assert value_of(mapping, {"a": " gold"}) == "A"
    assert write(mapping, LEFT, {"f": "B"}, {}) == {"a": "TIN"}


def test_a_value_that_a_function_refuses_is_a_problem_of_its_field() -> None:
    mapping = through("{column: a, via: {remove-prefix: C-}}")
    assert value_of(mapping, {"a": "17"}) == "crm a: `17` does not start with `C-`"
    assert value_of(mapping, {"a": ["x"]}).startswith("crm a: expected text, found")


def test_a_text_that_a_function_empties_is_empty() -> None:
    assert value_of(through("{column: a, via: digits}"), {"a": "none"}) is None


def test_the_functions_of_a_side_are_part_of_its_fingerprint() -> None:
    plain, trimmed = through("{column: a}").fields[0], through("{column: a, via: trim}").fields[0]
    assert plain.fingerprint != trimmed.fingerprint
    assert plain.columns_fingerprint == trimmed.columns_fingerprint


ROT = {"ROT": Function("ROT", lambda text: text[::-1], lambda text: text[::-1], (("ab", "ba"),), revision="1")}


def test_an_operators_function_works_both_ways_and_its_code_is_part_of_the_fingerprint() -> None:
    mapping = through("{column: a, via: ROT}", functions=ROT)
    assert value_of(mapping, {"a": "abc"}) == "cba"
    assert write(mapping, LEFT, {"f": "cba"}, {}) == {"a": "abc"}
    newer = {"ROT": Function("ROT", ROT["ROT"].function, ROT["ROT"].inverse, ROT["ROT"].examples, revision="2")}
    again = through("{column: a, via: ROT}", functions=newer)
    assert mapping.fields[0].fingerprint != again.fields[0].fingerprint


def _raises(value: Any) -> Any:
    raise LookupError(value)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_raises, "crm a: function bad failed on `x` with LookupError: x"),
        (lambda value: value.foo, "crm a: function bad failed on `x` with AttributeError"),
        (lambda value: object(), "crm a: function bad made a object of `x`; it must give text"),
        (lambda value: 1.5, "crm a: function bad made a float of `x`; it must give text"),
    ],
)
def test_any_error_of_an_operators_function_is_one_clear_message(function: Any, message: str) -> None:
    mapping = through("{column: a, via: bad}", ", from: crm", {"bad": Function("bad", function)})
    assert value_of(mapping, {"a": "x"}).startswith(message)


def test_an_inverse_that_gives_too_few_columns_is_named() -> None:
    pair = {"pair": Function("pair", lambda raws: raws[0], lambda value: value, ((("x", "y"), "x"),))}
    mapping = through("{columns: [a, b], via: pair}", functions=pair)
    with pytest.raises(Exception, match="the inverse of pair gave `x` for 2 columns"):
        write(mapping, LEFT, {"f": "x"}, {})


WRONG = {
    "unknown": (
        "{column: a, via: trimm}",
        "",
        "`trimm` of `crm` of field rule f is not a function",
        "did you mean `trim`?",
    ),
    "argument": ("{column: a, via: {cut: x}}", "", "`cut` of `crm` of field rule f takes a length", "{cut: 5}"),
    "no end": (
        "{column: a, via: {multiply: 3}}",
        ", type: decimal",
        "`multiply` of `crm` of field rule f takes a number",
        "",
    ),
    "type": ("{column: a, via: not}", "", "`not` of `crm` of field rule f does not go with type text", "boolean"),
    "both": (
        "{column: a, columns: [b, c], via: join}",
        "",
        "`crm` of field rule f must name one `column` or several",
        "",
    ),
    "nothing joins": (
        "{columns: [a, b], via: trim}",
        "",
        "`crm` of field rule f names 2 columns, but no function combines",
        "join",
    ),
    "joins one": (
        "{column: a, via: join}",
        "",
        "`join` of `crm` of field rule f combines several",
        "columns: [",
    ),
    "one way": (
        "{column: a, via: {part: ['/', 1]}}",
        "",
        "field rule f writes to crm through part: ['/', 1], which has no way back",
        "add from: crm",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_functions_that_do_not_fit_are_refused_when_loaded(case: str) -> None:
    side, words, what, remedy = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        through(side, words)
    (problem,) = caught.value.problems
    assert problem.what.startswith(what), str(problem)
    assert remedy in problem.remedy, str(problem)


def test_a_function_of_texts_works_with_a_set_that_is_one_text() -> None:
    mapping = through("{column: a, via: lower}", ', type: set, separator: ";", from: crm')
    assert read(mapping, LEFT, {"a": "A; B"}).values == {"f": frozenset({"a", "b"})}
