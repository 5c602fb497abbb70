"""Mermaid state diagrams of the documentation, read so that tests can compare them with the code."""

import re

ARROW = re.compile(r"^\s*(\[\*\]|\w+) --> (\[\*\]|\w+): (.+)$", re.MULTILINE)


def diagram(page: str, heading: str) -> set[tuple[str, str, str]]:
    """Return the arrows of the diagram below that heading, one for each word of an arrow."""
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    text = section.split("```mermaid\nstateDiagram-v2\n", 1)[1].split("```", 1)[0]
    arrows = ARROW.findall(text)
    assert len(arrows) == len([line for line in text.splitlines() if line.strip()]), "a line is not an arrow"
    return {(before, after, word.strip()) for before, after, words in arrows for word in words.split(",")}
