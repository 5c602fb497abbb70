"""A guess at the word a person meant, in the same form for every unknown word."""

from bridge.domain.guess import did_you_mean, nearest


def test_the_nearest_known_word_is_offered() -> None:
    assert did_you_mean("titel", ["title", "value"]) == "did you mean `title`?"
    assert did_you_mean("EMAIL", ["email"]) == "did you mean `email`?"
    assert nearest("xyz", ["title"]) is None


def test_known_words_are_listed_where_none_is_near_but_not_hundreds() -> None:
    assert did_you_mean("xyz", iter(["b", "a"])) == "known: a, b"
    assert did_you_mean("xyz", [f"{number:02}" for number in range(40)]).endswith(", 29, ...")
    assert did_you_mean("xyz", []) == "nothing is known here"
