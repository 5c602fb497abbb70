"""The tables of the language name everything there is."""

from bridge.mapping.functions import BUILTIN
from bridge.mapping.reference import functions_table, types_table
from bridge.mapping.types.registry import TYPES


def test_every_type_and_function_has_its_line() -> None:
    types, functions = types_table().splitlines(), functions_table().splitlines()
    assert [line.split("`")[1] for line in types[2:-1]] == list(TYPES)
    assert [line.split("`")[1] for line in functions[2:]] == list(BUILTIN)
    assert {line.count(" | ") for line in (*types[2:-1],)} == {3}
    assert "| `money` |" in types_table()
    assert "`{amount: column, currency: column}`" in types_table()
    assert "`{column: code, via: {cut: 5}}` | `Ana Lund` | `Ana L` |" in functions_table()
