"""Guesses what a person meant by an unknown word."""

from collections.abc import Iterable
from difflib import get_close_matches

NOTHING_KNOWN = "nothing is known here"
SHOWN = 30


class Guess(str):
    """A remedy for an unknown or misspelt word. Problems that may only follow from it are not reported.

    `word`: the unknown one; "" where one is missing. `near`: the known word that was probably meant, if one is near.
    `known`: the words that could be meant.
    """

    word: str
    near: str | None
    known: tuple[str, ...]

    def __new__(cls, text: str, word: str, known: Iterable[str], near: str | None = None) -> "Guess":
        guess = super().__new__(cls, text)
        guess.word, guess.known, guess.near = word, tuple(known), near
        return guess


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1)
    if close:
        return close[0]
    return next((name for name in names if name.casefold() == word.casefold()), None)


def did_you_mean(word: str, known: Iterable[str]) -> Guess:
    """Return a remedy for an unknown word: the nearest known one, else all of them."""
    names = sorted(known)
    near = nearest(word, names)
    if near is not None:
        return Guess(f"did you mean `{near}`?", word, names, near)
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return Guess(f"known: {shown}" if names else NOTHING_KNOWN, word, names)


def one_of(word: str, known: Iterable[str]) -> Guess:
    """Return a remedy that lists all known words, which must be few."""
    words = tuple(known)
    return Guess(f"write one of: {', '.join(words)}", word, words)
