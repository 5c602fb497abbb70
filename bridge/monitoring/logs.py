"""One line per log record, as key=value text or JSON, redacted as a whole."""

import json
import logging
import sys
from typing import Any, TextIO

from bridge.monitoring.redaction import Redactor

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LineFormatter(logging.Formatter):
    """Formats a record and everything given as `extra`; line breaks never leave one record on several lines."""

    def __init__(self, redact: Redactor, *, as_json: bool) -> None:
        super().__init__()
        self._redact = redact
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The record as one redacted line."""
        fields: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}",
            "level": record.levelname.lower(),
            "part": record.name.removeprefix("bridge."),
            "message": record.getMessage(),
        }
        fields.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if self._as_json:
            return self._redact(json.dumps(fields, default=str))
        return self._redact(" ".join(_pair(key, value) for key, value in fields.items()))


def _pair(key: str, value: Any) -> str:
    text = str(value).replace("\n", "\\n")
    return f'{key}="{text}"' if " " in text or "=" in text else f"{key}={text}"


def setup_logging(level: str, form: str, redact: Redactor, stream: TextIO | None = None) -> None:
    """Send every log record of the process through one redacting handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(redact, as_json=form == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiohttp.access", "apscheduler", "alembic", "asyncio", "aiosqlite"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
