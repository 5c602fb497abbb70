"""Long work yields, so that callbacks are accepted meanwhile."""

from collections.abc import Generator


class OthersTurn:
    """Awaiting it lets everything else that is ready run once."""

    def __await__(self) -> Generator[None, None, None]:
        yield
