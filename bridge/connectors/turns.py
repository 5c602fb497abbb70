"""Long work yields to the event loop, so that callbacks are accepted meanwhile."""

from collections.abc import Generator


class OthersTurn:
    """Awaiting it lets every other task that is ready run once."""

    def __await__(self) -> Generator[None, None, None]:
        yield
