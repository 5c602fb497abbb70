"""Turns YAML, as ruamel reads it, into the trees of `files.document`. It is imported only for files that need it."""

from collections.abc import Collection
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from bridge.domain.text_file import unusable_character
from bridge.files.document import Listing, Node, Place, Problems, Scalar, Table
from bridge.files.yaml_words import yaml_problem

TOO_DEEP = ("this is nested too deeply", "nothing the bridge reads needs that many levels")
LEVELS = 50


def compose(text: str, file: str, problems: Problems, only: Collection[str] | None) -> list[Node]:
    """Return every document of the text. `only`: the top keys to keep; None for all."""
    yaml = YAML(typ="safe", pure=True)
    try:
        nodes = [node for node in yaml.compose_all(text) if node is not None]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1)
        problems.add(
            place,
            f"this is not YAML: {yaml_problem(str(error.problem or error.context))}",
            _yaml_remedy(str(error.problem)),
        )
        return []
    except YAMLError as error:
        problems.add(
            Place(file, 1, 1),
            f"this is not YAML: {yaml_problem(str(error))}",
            "save the file as UTF-8 text without control characters",
        )
        return []
    except RecursionError:
        problems.add(Place(file, 1, 1), *TOO_DEEP)
        return []
    for node in nodes:
        if only is not None and isinstance(node, MappingNode):
            node.value = [(key, value) for key, value in node.value if key.value in only]
    return [_tree(node, file, problems, ()) for node in nodes]


def _yaml_remedy(problem: str) -> str:
    if "tab" in problem or "\\t" in problem:
        return "indent with blanks, not with tabs"
    if "found undefined alias" in problem:
        return "define the anchor before it is used"
    return "look at brackets, colons and indentation here and on the line above; quote texts that hold `: ` or ` #`"


def _tree(node: Any, file: str, problems: Problems, above: tuple[int, ...]) -> Node:
    place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
    if id(node) in above:
        problems.add(place, "an anchor that contains itself", "write the rows out")
        return Scalar("", place)
    if len(above) == LEVELS:
        problems.add(place, *TOO_DEEP)
        return Scalar("", place)
    above = (*above, id(node))
    if isinstance(node, SequenceNode):
        return Listing(tuple(_tree(item, file, problems, above) for item in node.value), place)
    if isinstance(node, MappingNode):
        return _table(node, place, problems, above)
    assert isinstance(node, ScalarNode)
    if node.tag and not str(node.tag).startswith("tag:yaml.org,2002:"):
        problems.add(place, "a tag (!NAME) means nothing here", "remove it, or quote the text")
    if character := unusable_character(node.value):
        problems.add(place, f"this text holds {character}", "write the character itself, not its number")
        return Scalar("?", place, quoted=True)
    return Scalar(node.value, place, quoted=node.style is not None)


def _table(node: MappingNode, place: Place, problems: Problems, above: tuple[int, ...]) -> Table:
    entries: dict[str, Node] = {}
    keys: dict[str, Scalar] = {}
    for key_node, value_node in node.value:
        key = _tree(key_node, place.file, problems, above)
        if not isinstance(key, Scalar):
            problems.add(key.place, "a list or table used as a name", "names are plain words")
            continue
        if key.text in entries:
            first = keys[key.text].place
            problems.add(
                key.place, f"`{key.text}` is written twice", f"it is already in line {first.line}; keep one of them"
            )
            continue
        keys[key.text] = key
        entries[key.text] = _tree(value_node, place.file, problems, above)
    return Table(entries, keys, place)
