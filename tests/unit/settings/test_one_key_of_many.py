"""Commands that need one key of the settings read only that key, and find the same value as a reader of all keys."""

from pathlib import Path

import pytest

from bridge.files.document import Problems, Table, plain, read_documents

SHIPPED = (Path(__file__).parents[3] / "config" / "bridge.yaml").read_text()


def read(text: str, only: tuple[str, ...] | None) -> tuple[object, list[str]]:
    problems = Problems()
    documents = read_documents(text, "bridge.yaml", problems, only)
    assert all(isinstance(one, Table) for one in documents)
    return [plain(one) for one in documents], [str(problem) for problem in problems.found]


def places(text: str, only: tuple[str, ...] | None) -> dict[str, str]:
    (document,) = read_documents(text, "bridge.yaml", Problems(), only)
    assert isinstance(document, Table)
    return {key: str(node.place) for key, node in document.entries.items()}


ODD = {
    "the shipped file": SHIPPED,
    "windows line ends": SHIPPED.replace("\n", "\r\n"),
    "an anchor in another section": "a: &url sqlite:///x\nstore: {url: *url}\n",
    "a quoted key": '"store": {url: x}\nb: 1\n',
    "one table in brackets": "{store: {url: x}, b: 1}\n",
    "a key that is written twice": "store: {url: x}\nb: 1\nstore: {url: y}\n",
    "a text over several lines": "b: |\n  store:\n    url: y\nstore:\n  url: x\n",
    "comments between": "b:\n# store: no\n  c: 1\nstore:\n# here\n  url: x\n",
    "a list that is not indented": "b:\n- 1\n- 2\nstore: {url: x}\n",
    "without the key": "b: 1\nc: {d: 2}\n",
    "a byte order mark": "\ufeffstore: {url: x}\nb: 1\n",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_one_key_alone_has_the_same_value_and_place_as_among_all(text: str) -> None:
    (whole, problems), (part, fewer) = read(text, None), read(text, ("store",))
    assert part == [{key: value for key, value in document.items() if key == "store"} for document in whole]
    assert problems == fewer
    assert places(text, ("store",)) == {key: at for key, at in places(text, None).items() if key == "store"}


def test_problems_elsewhere_in_the_file_are_ignored() -> None:
    text = "systems: {crm: [\nstore: {url: x}\n"
    assert read(text, ("store",)) == ([{"store": {"url": "x"}}], [])
    assert read(text, None)[1]
