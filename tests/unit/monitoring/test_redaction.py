"""Promise 15: secrets stay secret in everything that is written."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.monitoring.redaction import HIDDEN, Redactor

TOKEN = "a3f09c17b2d84e65a3f09c17b2d84e65a3f09c17"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"POST https://b.example/hooks/crm1/any.deal/{TOKEN} 200", TOKEN),
        (f"callback '/hooks/crm1/any.deal/{TOKEN}'", TOKEN),
        ("{'Authorization': 'Bearer abc.def-123'}", "abc.def-123"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
        ("Authorization: Token tok4711tok", "tok4711tok"),
        ("authorization=Bearer%20x", "Bearer%20x"),
        (f"sent Basic {base64.b64encode(b'user:pass').decode()} to it", base64.b64encode(b"user:pass").decode()),
        ("x-api-token: 0123456789", "0123456789"),
        ("Cookie: session=hunter22", "session=hunter22"),
        ("refresh_token=abc&grant_type=refresh_token&client_secret=def", "abc"),
        ("refresh_token=abc&grant_type=refresh_token&client_secret=def", "def"),
        ('{"access_token":"hunter22","expires_in":3599}', "hunter22"),
        ('body b\'{\\"access_token\\": \\"hunter22\\"}\'', "hunter22"),
        ("postgresql://bridge:hunter22@db.example/bridge refused", "hunter22"),
        ("https://x.example/v1/deals?api_token=hunter22&limit=1", "hunter22"),
    ],
)
def test_credentials_are_hidden_in_their_usual_places(text: str, secret: str) -> None:
    hidden = Redactor()(text)
    assert secret not in hidden
    assert HIDDEN in hidden


@pytest.mark.parametrize(
    "text",
    [
        "deal 42 written: title, amount",
        "GET https://x.example/v1/deals?limit=100 200",
        "Basic authentication is needed",
        "mapping people: 3 fields, writes crm and erp",
        "postgresql://bridge@db.example:5432/bridge",
        "the password was refused",
        "systems.erp1.options.refresh_token: is missing or no longer valid",
        "api_token: must be one of the account",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor()(text) == text


def test_text_after_a_hidden_value_is_still_readable() -> None:
    text = "token=1 refresh_token=abc&grant_type=refresh_token, then /hooks/crm1/any.deal/t0ken 404"
    assert (
        Redactor()(text)
        == f"token=1 refresh_token={HIDDEN}&grant_type=refresh_token, then /hooks/crm1/any.deal/{HIDDEN} 404"
    )


def test_a_registered_value_is_hidden_everywhere() -> None:
    redact = Redactor()
    redact.register("s3cret/æøå+1")
    for form in ("s3cret/æøå+1", quote("s3cret/æøå+1", safe=""), "s3cret/\\u00e6\\u00f8\\u00e5+1"):
        assert redact(f"<{form}>") == f"<{HIDDEN}>"


def test_each_line_of_a_key_is_hidden_separately() -> None:
    redact = Redactor()
    redact.register("-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQ\nEFAASCAUAwggE8AgEAAkEA\n-----END KEY-----\n")
    assert "MIIBVgIBADANBgkqhkiG9w0BAQ" not in redact("read MIIBVgIBADANBgkqhkiG9w0BAQ")
    assert "EFAASCAUAwggE8AgEAAkEA" not in redact("EFAASCAUAwggE8AgEAAkEA")


def test_a_short_value_is_hidden_only_as_a_separate_word() -> None:
    redact = Redactor()
    redact.register("on")
    assert redact("turned on, and connections go on") == f"turned {HIDDEN}, and connections go {HIDDEN}"


def test_an_empty_value_hides_nothing() -> None:
    redact = Redactor()
    redact.register("  \n")
    assert redact("a b") == "a b"


def test_the_longer_of_two_values_is_hidden_whole() -> None:
    redact = Redactor()
    redact.register("abcdefgh")
    redact.register("abcdefgh-and-more")
    assert redact("x abcdefgh-and-more") == f"x {HIDDEN}"


def test_values_of_any_shape_keep_their_shape() -> None:
    redact = Redactor()
    redact.register("hunter22")
    shown = redact.value(
        {"a": ["hunter22", 1, None, True], "password": "x", "n": {"b": 1.5}, "e": ValueError("hunter22")}
    )
    assert shown == {"a": [HIDDEN, 1, None, True], "password": HIDDEN, "n": {"b": 1.5}, "e": HIDDEN}


@settings(deadline=None)  # the test is about the output, not about the speed
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=8, max_size=40).map(str.strip),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_no_registered_value_survives(secret: str, before: str, after: str) -> None:
    assume(len(secret) >= 8)
    redact = Redactor()
    redact.register(secret)
    assert secret not in redact(f"{before}{secret}{after}")
