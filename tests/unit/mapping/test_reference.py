"""The reference tables of the language name every type and function."""

from bridge.mapping.functions import BUILTIN
from bridge.mapping.reference import functions_table, types_table
from bridge.mapping.types.registry import TYPES


def test_every_type_and_function_is_in_the_reference_tables() -> None:
    means, _, options = types_table().partition("\n\n")
    functions = functions_table().splitlines()
    assert [line.split("`")[1] for line in means.splitlines()[2:-1]] == list(TYPES)
    assert {line.count(" | ") for line in means.splitlines()} == {3}
    optional = [name for name, (_, known) in TYPES.items() if known]
    assert [line.split("`")[1] for line in options.splitlines()[2:] if "|  |" not in line[:-2]] == optional
    assert "`{amount: column, currency: column}`" in options
    assert [line.split("`")[1] for line in functions[2:]] == list(BUILTIN)
    assert "`{column: code, via: {cut: 5}}` | `Ana Lund` | `Ana L` |" in functions_table()
