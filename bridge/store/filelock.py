"""A lock file beside a SQLite database: a second running bridge on the same file is refused."""

import fcntl
import os
from pathlib import Path

from bridge.domain.errors import ConfigError, Fault


class FileLock:
    """Held as long as the process lives or until `release`; the file itself stays."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, path: Path) -> "FileLock":
        """Raises ConfigError naming the file when another process holds it or it cannot be made."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            fault = Fault("store.url", f"{path} cannot be written: {error.strerror}", "check the folder's rights")
            raise ConfigError([fault]) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            what = f"another bridge is running on this store (it holds {path})"
            raise ConfigError(
                [Fault("store.url", what, "stop it first, or use PostgreSQL for several instances")]
            ) from error
        return cls(descriptor)

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether a process holds it now."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
