"""A guess at the word a person meant, in the same form for every unknown word."""

from bridge.domain.guess import did_you_mean, nearest, one_of


def test_the_nearest_known_word_is_offered() -> None:
    assert did_you_mean("titel", ["title", "value"]) == "did you mean `title`?"
    assert did_you_mean("EMAIL", ["email"]) == "did you mean `email`?"
    assert nearest("xyz", ["title"]) is None


def test_known_words_are_listed_where_none_is_near_but_not_hundreds() -> None:
    assert did_you_mean("xyz", iter(["b", "a"])) == "known: a, b"
    assert did_you_mean("xyz", [f"{number:02}" for number in range(40)]).endswith(", 29, ...")
    assert did_you_mean("xyz", []) == "nothing is known here"


def test_a_guess_carries_what_it_says() -> None:
    near, far, none = (did_you_mean("titel", known) for known in (["title", "value"], ["b", "a"], []))
    assert (near.word, near.near, near.known) == ("titel", "title", ("title", "value"))
    assert (far.word, far.near, far.known) == ("titel", None, ("a", "b"))
    assert (none.near, none.known) == (None, ())
    assert one_of("x", ["crm", "erp"]) == "write one of: crm, erp"
    assert (one_of("x", ["crm", "erp"]).near, one_of("x", ["crm", "erp"]).known) == (None, ("crm", "erp"))
