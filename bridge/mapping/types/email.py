"""E-mail addresses: only their syntax is checked, they are compared as mail servers do, and written as typed."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from bridge.domain.late import late
from bridge.mapping.types.kind import Kind, describe, fold_text, reduces_text, visible
from bridge.mapping.values import Untranslatable

SYNTAX = ("bridge.mapping.types.email_syntax", "ascii_form")
_SCHEME = re.compile(r"mailto:(?P<address>[^?]*)(\?.*)?", re.IGNORECASE | re.DOTALL)
_SEVERAL = re.compile(r"[\s;,/|]+")
_NAMED = re.compile(r'[^<>"]*("[^"]*")?[^<>"]*<(?P<address>[^<>]*)>', re.DOTALL)
_LONGEST = 254  # RFC 5321, with the limits of its parts
# Nearly all addresses match this. The library accepts all that match (a test checks it), and a call takes it 50 us.
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9]|-(?!-)){0,61}(?<!-)"
_USUAL = re.compile(rf"(?=.{{1,64}}@.{{1,180}}\Z){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")


@lru_cache(maxsize=4096)
def _ascii_form(text: str) -> str | None:
    found: str | None = late(*SYNTAX)(text)
    return found


def _bare(raw: str) -> str:
    """Return the text without blanks, invisible characters, `mailto:` and pointed brackets around the address."""
    text = visible(raw)
    found = _SCHEME.fullmatch(text)
    text = visible(unquote(found["address"])) if found else text
    return text[1:-1].strip() if text[:1] == "<" and text[-1:] == ">" and text.count("<") == 1 else text


def parse_email(raw: Any) -> str | None:
    """Return the address as typed. Raises Untranslatable for anything else, and for several addresses in one text."""
    if not isinstance(raw, str):
        raise Untranslatable(f"expected an e-mail address, found {describe(raw)}")
    text = _bare(raw)
    if not text and not raw.strip().lower().startswith("mailto:"):
        return None
    if not _USUAL.fullmatch(text) and _ascii_form(text) is None:
        raise Untranslatable(_reason(raw, text))
    return text


def _reason(raw: str, text: str) -> str:
    addresses = [part for part in _SEVERAL.split(text) if "@" in part.strip("@<>")]
    if len(addresses) > 1:
        return f"{describe(raw)} holds {len(addresses)} e-mail addresses; keep one of them in this column"
    named = _NAMED.fullmatch(text) if len(text) <= 2 * _LONGEST else None
    if named and "@" in named["address"]:
        return f"{describe(raw)} names a person as well; keep only `{named['address']}` in this column"
    return f"{describe(raw)} is not an e-mail address: {_why(text)}"


def _why(text: str) -> str:
    """Return what is wrong with an address. The library's own messages describe its steps, not the problem."""
    local, at, domain = text.rpartition("@")
    dots = any(part[:1] == "." or part[-1:] == "." or ".." in part for part in (local, domain))
    reasons = {
        "it has no @": not at,
        "nothing stands before the @": not local,
        "nothing follows the @": not domain,
        "it has two @": "@" in local,
        "it has a blank": any(c.isspace() for c in text),
        "it has a dot too many": dots,
        "it is longer than 254 characters": len(text) > _LONGEST,
    }
    return next((told for told, found in reasons.items() if found), "it has a character no address may have")


def _comparable(text: str) -> str:
    """Return the address for comparing: folded, and with the domain in one of its two spellings, ASCII (`xn--...`)."""
    return fold_text(text if text.isascii() and "xn--" not in text.lower() else _ascii_form(text) or text)


def _same(a: str, b: str) -> bool:
    return a.casefold() == b.casefold() or _comparable(a) == _comparable(b)


def make_email(options: dict[str, Any]) -> Kind:
    # Form 2: former versions took `mailto:` and invisible characters for parts of the address.
    return Kind("email", parse_email, fold=_comparable, load=_bare, reduces=reduces_text, same=_same, form=2)
