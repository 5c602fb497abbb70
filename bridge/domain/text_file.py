"""Files that people write: read as UTF-8 text, or one clear reason why that is not possible."""

from collections.abc import Callable
from pathlib import Path

from bridge.domain.errors import BridgeError, ConfigError, Problem

SAVE = "save it as UTF-8 text"
UTF16 = (b"\xff\xfe", b"\xfe\xff")


class NotText(BridgeError):
    """A file or a text cannot be used. `what`: what is wrong with it. `remedy`: what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        self.remedy = remedy


def read_text(path: Path) -> str:
    """Return the file's text, without a byte order mark. Raises NotText."""
    return _decoded(_tried(path.read_bytes))


def write_text(path: Path, text: str) -> None:
    """Write the text to a file. Raises ConfigError if the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = reason_of(error).replace("read", "written")
        raise ConfigError([Problem(str(path), reason, "name another file, or correct the rights")]) from None


def make_folder(path: Path) -> None:
    """Create a folder and those above it. Raises ConfigError if that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be created ({(error.strerror or 'no reason is given').lower()})"
        raise ConfigError([Problem(str(path), what, "name another folder, or correct the rights")]) from None


def text_of(path: Path) -> str:
    """Read a file's text like `read_text`, for files that a command names. Raises ConfigError."""
    try:
        return read_text(path)
    except NotText as error:
        raise ConfigError([Problem(str(path), error.what, error.remedy)]) from None


def unusable_character(text: str) -> str:
    """Return the first character that no system and no store accepts, in words; "" if there is none."""
    for character in text:
        if character == "\x00":
            return "a NUL character"
        if "\ud800" <= character <= "\udfff":
            return f"half a character (\\u{ord(character):04x}, one of a surrogate pair)"
    return ""


def _tried(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except OSError as error:
        raise NotText(reason_of(error), "name a file that this user may read") from None
    except ValueError:  # a NUL in the file's name
        raise NotText("is no name a file can have", "name another file") from None


def reason_of(error: OSError) -> str:
    """Return why a file could not be read, in words."""
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "is a folder, not a file"
        case PermissionError():
            return "may not be read by this user"
    return f"cannot be read ({(error.strerror or 'no reason is given').lower()})"


def _decoded(data: bytes) -> str:
    if data.startswith(UTF16):
        raise NotText("is UTF-16 text, not UTF-8", SAVE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotText(f"is not UTF-8 text: line {line} holds the byte 0x{data[error.start]:02x}", SAVE) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise NotText(f"holds a NUL character in line {line}; it may be UTF-16 or no text at all", SAVE)
    return text
