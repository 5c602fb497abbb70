"""Writes each log record as one line, as key=value text or JSON, with every secret removed."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from bridge.domain.errors import StoreUnavailable
from bridge.domain.patience import STORE_AWAY
from bridge.monitoring.following import EVENT
from bridge.monitoring.redaction import HIDDEN, Redactor, is_sensitive
from bridge.monitoring.seldom import Seldom

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "once"}
_LIBRARIES = {
    "aiohttp.access": logging.WARNING,
    "alembic": logging.WARNING,
    "apprise": logging.CRITICAL,  # its lines may hold addresses, which are secrets; `alert not delivered` says why
    "asyncio": logging.WARNING,
    "opentelemetry": logging.ERROR,
    "requests_oauthlib": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "urllib3": logging.ERROR,
    "apscheduler": logging.ERROR,  # health shows a run that was skipped because the last one was still running
}
_AS_JSON = json.JSONEncoder(ensure_ascii=False, default=str).encode
# Characters that JSON's quoting keeps, but that terminals and log collectors read as control characters or new lines.
_SEPARATORS = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


class LineFormatter(logging.Formatter):
    """Formats a record and its `extra` values. The result is always exactly one line."""

    def __init__(self, redact: Redactor, *, as_json: bool) -> None:
        super().__init__()
        self._redact = redact
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one redacted line. Values are redacted before they are quoted, as quoting could disguise
        them."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name.removeprefix("bridge."),
            "message": self._redact(_message(record)),
        }
        event = EVENT.get()
        if event is not None:
            fields["event"] = event
        for key, value in vars(record).items():
            if key not in _STANDARD:
                fields[key] = HIDDEN if is_sensitive(key) else self._redact.value(value)
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = self._redact(self.formatException(record.exc_info))
        line = _AS_JSON(fields) if self._as_json else " ".join(_pair(key, value) for key, value in fields.items())
        return line.translate(_SEPARATORS)


def _message(record: logging.LogRecord) -> str:
    """Return the message, even if its arguments do not fit: the standard handler would print them unredacted."""
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} (its arguments do not fit)"


def _pair(key: str, value: Any) -> str:
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' ="\\'):
        return f"{key}={text}"
    return f"{key}={json.dumps(text, ensure_ascii=False)}"


class OncePerMinute(logging.Filter):
    """Shows lines with the same `once` only once a minute. `repeated` is the number of lines left out since the last
    one.

    `once` consists of words of the program and names from the settings, so there are few. While the store is
    unreachable, every part meets that error again and again. All lines about it share one `once`, and have no
    traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._seldom = Seldom(lambda: self._now)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is shown."""
        error = record.exc_info[1] if record.exc_info else None
        away = isinstance(error, StoreUnavailable)
        once = STORE_AWAY if away else getattr(record, "once", None)
        if once is None:
            return True
        self._now = record.created
        repeated = self._seldom.may_say(once)
        if repeated is None:
            return False
        if away:
            record.exc_info, record.reason = None, str(error)
        if repeated:
            record.repeated = repeated
        return True


def setup_logging(level: str, form: str, redact: Redactor, stream: TextIO | None = None) -> None:
    """Send every log record of the process through one redacting handler.

    `level`: debug, info, warning or error. `form`: text or json. `stream`: None means standard error.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(redact, as_json=form == "json"))
    handler.addFilter(OncePerMinute())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(least, root.level))
