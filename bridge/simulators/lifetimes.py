"""Tokens and tickets, by the time at which they expire."""


def add_life(lives: dict[str, float], token: str, end: float, now: float) -> None:
    """Note a token that is valid until `end`, and forget expired ones, so that memory does not grow in a long run."""
    for ended in [known for known, its_end in lives.items() if its_end <= now]:
        del lives[ended]
    lives[token] = end
