"""Tokens and tickets by the moment of their end."""


def add_life(lives: dict[str, float], token: str, end: float, now: float) -> None:
    """Notes a token that lives until `end` and forgets those that have ended, so that a long run stays flat."""
    for ended in [known for known, its_end in lives.items() if its_end <= now]:
        del lives[ended]
    lives[token] = end
