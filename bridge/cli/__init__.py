"""Commands. Each writes its requests into the store, or reads from it; the daemon acts. `main` is the entry point."""

from bridge.cli.main import main

__all__ = ["main"]
