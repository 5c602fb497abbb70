"""Says what is wrong with a YAML file in words of the person who wrote it, not in the parser's words."""

TAB = "a tab, where only blanks may indent"
_WORDS = (
    ("'\\t'", TAB),
    ("\t", TAB),
    ("mapping values are not allowed", "a second colon in one line, or a line that is indented too far"),
    ("expected ',' or", "a bracket that is not closed, or a comma that is missing before this"),
    ("unexpected end of stream", "a quoted text that does not end"),
    ("unexpected document separator", "a quoted text that does not end"),
    ("could not find expected ':'", "a line without a colon"),
    ("undefined alias", "an alias (*NAME) that no anchor (&NAME) comes before"),
    ("unknown escape", "a backslash in double quotes before a letter that means nothing there"),
    ("expected escape sequence", "a backslash in double quotes that is not followed by a whole number"),
    ("special characters are not allowed", "a control character"),
    ("expected <block end>", "a line that is not indented like those beside it"),
    ("<block sequence start>", "a list item where none may be"),
    ("cannot start any token", "a character that no word may begin with unless it is quoted"),
    ("undefined tag handle", "a tag (!NAME), which means nothing here"),
)


def yaml_problem(problem: str) -> str:
    """Return the parser's problem in plain words. They show no value of the file, because it may be a secret."""
    folded = problem.replace("\\\\", "\\")
    return next((words for part, words in _WORDS if part in folded), "a form that YAML does not have")
