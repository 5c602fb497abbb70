"""YAML files that people write: the place of each key and value, and problems."""

import pytest

from bridge.files.document import Place, Problems, Table, plain, read_documents


def test_every_key_and_value_knows_its_place() -> None:
    (root,) = read_documents("a: 1\nb:\n  c: [x, y]\n", "f.yaml", Problems())
    assert isinstance(root, Table)
    inner = root.entries["b"]
    assert isinstance(inner, Table)
    assert (root.keys["b"].place, inner.entries["c"].place) == (Place("f.yaml", 2, 1), Place("f.yaml", 3, 6))
    assert plain(root) == {"a": 1, "b": {"c": ["x", "y"]}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2\n", "f.yaml:2:1: `a` is written twice"),
        ("a: !x 1\n", "f.yaml:1:4: a tag (!NAME) means nothing here"),
        ("a: [1\n", "f.yaml:2:1: this is not YAML: a bracket that is not closed"),
        ("a: &x {b: *x}\n", "f.yaml:1:4: an anchor that contains itself"),
        (f"a: {'[' * 60}{']' * 60}\n", "f.yaml:1:53: this is nested too deeply"),
        ("{a: b}: 1\n", "f.yaml:1:1: a list or table used as a name"),
    ],
)
def test_problems_are_reported_with_their_place(text: str, told: str) -> None:
    faults = Problems()
    read_documents(text, "f.yaml", faults)
    (fault,) = faults.found
    assert str(fault).startswith(told)


def test_keys_that_are_not_requested_are_left_out_with_their_problems() -> None:
    faults = Problems()
    (root,) = read_documents("a: !x 1\na: 2\nb: {c: 1}\n", "f.yaml", faults, {"b"})
    assert (plain(root), faults.found) == ({"b": {"c": 1}}, [])
