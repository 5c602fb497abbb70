"""Signatures of deliveries: the documented vectors, an independent library, and everything that must be refused."""

import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from types import SimpleNamespace
from typing import Any

import http_message_signatures as library
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.entrust.signature import RFC9421, SHA2, Registered, key_forms, scheme_of, verify
from bridge.domain.callback import Callback
from bridge.domain.errors import BadCallback

TOKEN = "whsec_test_0123456789abcdef0123456789abcdef"
URL = "https://bridge.example.org/hooks/entrust/main"
BODY = (
    b'{"id":"770fa622-0000-4000-8000-000000000001","type":"user.updated",'
    b'"accountId":"7c9e6679-0000-4000-8000-000000000002","eventTime":"2026-01-15T10:00:00.000Z",'
    b'"data":{"entityType":"USERS","entityId":"b2c3d4e5-0000-4000-8000-000000000003","entityName":"jane"}}'
)
AT = datetime.fromtimestamp(1768471200, UTC)
HOOK = Registered(URL, TOKEN)
COVERED = '("@method" "@target-uri" "content-digest")'
DIGEST = "sha-256=:7/wHowXcsIbvcCY41bNr5zPiyvBJEYCybDBwWxagsXY=:"
VECTORS = {
    f'{COVERED};created=1768471200;alg="hmac-sha256"': "ALqwm//MEolhKodqqFU7GIrLMWMKh3O3GwPsRVyYFdM=",
    f'{COVERED};alg="hmac-sha256"': "qpSQk99Zk+juRunnL9JWmfxbGEFwf51Hk3LWKYcwqmQ=",
    f'{COVERED};created=1768471200;keyid="wh_test";alg="hmac-sha256"': "B3ZeEx3ypaJUw8hbGESdSY/luXzACCEV2NzS701j6VI=",
}
CREATED = f'{COVERED};created=1768471200;alg="hmac-sha256"'
OLD = "c8fdbfb07f2578eb68ed6b8dd9e8ed124680ce67238acb376f03669522056f51"


def delivery(**headers: str) -> Callback:
    low = {name.replace("_", "-"): value for name, value in headers.items()}
    return Callback("idaas1", "user", "POST", URL, low, BODY, AT)


def vector(parameters: str = CREATED, **changed: str) -> Callback:
    headers = {
        "content_digest": DIGEST,
        "signature_input": f"sig={parameters}",
        "signature": f"sig=:{VECTORS.get(parameters, VECTORS[CREATED])}:",
    }
    return delivery(**{**headers, **changed})


def signed(parameters: str, key: bytes = TOKEN.encode(), digest: str = DIGEST, **more: str) -> Callback:
    """Sign a delivery by the text of RFC 9421 alone."""
    names = [name.strip('"') for name in parameters[1 : parameters.index(")")].split()]
    values = {"@method": "POST", "@target-uri": URL, "content-digest": digest, "@authority": "bridge.example.org"}
    values |= {name.replace("_", "-"): value for name, value in more.items()}
    lines = [f'"{name}": {values[name]}' for name in names] + [f'"@signature-params": {parameters}']
    mac = b64encode(hmac.digest(key, "\n".join(lines).encode(), sha256)).decode()
    return delivery(content_digest=digest, signature_input=f"sig={parameters}", signature=f"sig=:{mac}:", **more)


@pytest.mark.parametrize("parameters", VECTORS)
def test_the_vectors_verify(parameters: str) -> None:
    assert verify(RFC9421, vector(parameters), HOOK, 300) == "utf8"


@pytest.mark.parametrize("shown", [OLD, OLD.upper(), f" {OLD}"])
def test_the_older_scheme_verifies_in_either_case(shown: str) -> None:
    assert verify(SHA2, delivery(x_sha2_signature=shown), HOOK, 300) == "utf8"


class Keys(library.HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> bytes:
        return TOKEN.encode()

    def resolve_private_key(self, key_id: str) -> bytes:
        return TOKEN.encode()


def message(headers: dict[str, str]) -> Any:
    return SimpleNamespace(method="POST", url=URL, headers=headers)


def test_a_signature_of_an_independent_library_verifies() -> None:
    """The library requires keyid and created, and takes the registered address from the message."""
    headers: dict[str, str] = {}
    signer = library.HTTPMessageSigner(signature_algorithm=library.algorithms.HMAC_SHA256, key_resolver=Keys())
    covered = ("@method", "@target-uri", "content-digest")
    signer.sign(message(headers), key_id="wh_test", created=AT, label="sig", covered_component_ids=covered, body=BODY)
    theirs = delivery(**{name.lower().replace("-", "_"): value for name, value in headers.items()})
    assert verify(RFC9421, theirs, HOOK, 300) == "utf8"


def test_an_independent_library_accepts_our_signatures() -> None:
    names = {"content-digest": "Content-Digest", "signature-input": "Signature-Input", "signature": "Signature"}
    shown = vector([*VECTORS][2]).headers
    verifier = library.HTTPMessageVerifier(signature_algorithm=library.algorithms.HMAC_SHA256, key_resolver=Keys())
    (result,) = verifier.verify(
        message({names[name]: value for name, value in shown.items()}), body=BODY, max_age=timedelta(days=20000)
    )
    assert result.parameters["keyid"] == "wh_test"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: replace(good, body=BODY + b" "),
        lambda good: replace(good, method="PUT"),
        lambda good: replace(
            good, headers={**good.headers, "signature": "sig=:" + b64encode(b"x" * 32).decode() + ":"}
        ),
        lambda good: replace(good, headers={**good.headers, "signature": "other" + good.headers["signature"]}),
        lambda good: replace(good, headers={**good.headers, "signature": "sig=1"}),
        lambda good: replace(good, headers={**good.headers, "signature": ""}),
        lambda good: replace(good, headers={**good.headers, "signature-input": ""}),
        lambda good: replace(good, headers={**good.headers, "signature-input": "sig=1"}),
        lambda good: replace(good, headers={**good.headers, "signature-input": good.headers["signature-input"][1:]}),
        lambda good: replace(good, headers={**good.headers, "signature-input": good.headers["signature-input"][:-9]}),
        lambda good: replace(good, headers={**good.headers, "content-digest": "sha-256=:AAAA:"}),
        lambda good: replace(good, headers={**good.headers, "content-digest": "md5=:AAAA:"}),
        lambda good: replace(good, headers={**good.headers, "content-digest": "sha-256"}),
        lambda good: replace(good, headers={**good.headers, "content-digest": "\udcff"}),
        lambda good: replace(good, headers={k: v for k, v in good.headers.items() if k != "content-digest"}),
        lambda good: replace(good, received_at=AT + timedelta(seconds=301)),
        lambda good: replace(good, received_at=AT - timedelta(seconds=301)),
    ],
)
def test_any_changed_delivery_is_refused(spoil: Callable[[Callback], Callback]) -> None:
    with pytest.raises(BadCallback) as caught:
        verify(RFC9421, spoil(vector()), HOOK, 300)
    assert caught.value.status == 401
    assert TOKEN not in str(caught.value)


def test_the_registered_address_counts_not_the_one_the_request_came_by() -> None:
    inside = replace(vector(), url="http://127.0.0.1:8080/hooks/entrust/main")
    assert verify(RFC9421, inside, HOOK, 300) == "utf8"
    with pytest.raises(BadCallback):
        verify(RFC9421, vector(), replace(HOOK, url=URL + "/"), 300)


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ('("@method" "@target-uri");created=1768471200', "does not cover"),
        ('("@method" "content-digest");created=1768471200', "does not cover"),
        ('("@method" "@target-uri" "content-digest" "content-digest")', "does not cover"),
        (f'{COVERED};alg="rsa-v1_5-sha256"', "algorithm other than"),
        (f"{COVERED};alg=hmac-sha256;created=17", "compare the clocks"),
        (f'{COVERED};created="1768471200"', "compare the clocks"),
        (f"{COVERED};expires=1768471199", "expired"),
    ],
)
def test_a_signature_that_covers_too_little_or_contradicts_the_request_is_refused(parameters: str, why: str) -> None:
    with pytest.raises(BadCallback, match=why):
        verify(RFC9421, signed(parameters), HOOK, 300)


@pytest.mark.parametrize("first", ['"@method";req', '"@query" "@method"', '"x-none" "@method"', "1"])
def test_a_component_we_cannot_rebuild_is_refused(first: str) -> None:
    with pytest.raises(BadCallback, match="does not"):
        verify(RFC9421, vector(signature_input=f'sig=({first} "@target-uri" "content-digest")'), HOOK, 300)


@pytest.mark.parametrize(
    ("parameters", "more"),
    [
        (f"{COVERED};expires=1768471201", {}),
        (f'{COVERED};nonce="n";tag="t"', {}),
        ('("content-digest" "@method" "@target-uri")', {}),
        (
            '("@method" "@target-uri" "@authority" "content-digest" "content-type")',
            {"content_type": "application/json"},
        ),
    ],
)
def test_a_signature_over_more_components_is_accepted(parameters: str, more: dict[str, str]) -> None:
    assert verify(RFC9421, signed(parameters, **more), HOOK, 300) == "utf8"


def test_a_second_signature_is_ignored() -> None:
    both = vector(
        signature_input=f'other=("@method");keyid="x", sig={CREATED}',
        signature=f"other=:AAAA:, sig=:{VECTORS[CREATED]}:",
    )
    assert verify(RFC9421, both, HOOK, 300) == "utf8"


def test_sha_512_digests_are_accepted_and_every_known_digest_must_be_right() -> None:
    long = f"sha-512=:{b64encode(sha512(BODY).digest()).decode()}:"
    assert verify(RFC9421, signed(COVERED, digest=long), HOOK, 300) == "utf8"
    with pytest.raises(BadCallback):
        verify(RFC9421, signed(COVERED, digest=f"{long}, sha-256=:AAAA:"), HOOK, 300)


KEY = bytes(range(200, 248))


@pytest.mark.parametrize(
    ("token", "key", "form"),
    [
        (TOKEN, TOKEN.encode(), "utf8"),
        (TOKEN, TOKEN.removeprefix("whsec_").encode(), "utf8-without-prefix"),
        ("whsec_" + b64encode(KEY).decode(), KEY, "base64"),
        (b64encode(KEY).decode(), KEY, "base64"),
        ("whsec_" + urlsafe_b64encode(KEY + b"~").decode().rstrip("="), KEY + b"~", "base64url"),
    ],
)
def test_the_form_of_the_key_is_found_and_then_only_that_form_is_accepted(token: str, key: bytes, form: str) -> None:
    hook = Registered(URL, token)
    found = verify(RFC9421, signed(COVERED, key), hook, 300)
    assert key_forms(token)[found] == key_forms(token)[form]
    assert verify(RFC9421, signed(COVERED, key), replace(hook, form=found), 300) == found
    others = set(key_forms(token)) - {found}
    for other in others:
        with pytest.raises(BadCallback):
            verify(RFC9421, signed(COVERED, key), replace(hook, form=other), 300)


def test_a_key_that_is_too_short_is_refused() -> None:
    assert key_forms("whsec_AAAA") == {}
    with pytest.raises(BadCallback):
        verify(
            SHA2, delivery(x_sha2_signature=hmac.new(b"AAAA", BODY, sha256).hexdigest()), Registered(URL, "AAAA"), 300
        )


def test_the_headers_show_the_scheme_and_the_newer_one_wins() -> None:
    assert scheme_of(delivery()) is None
    assert scheme_of(delivery(x_sha2_signature=OLD)) == SHA2
    assert scheme_of(vector(x_sha2_signature=OLD)) == RFC9421
    assert scheme_of(delivery(signature="sig=:AAAA:", x_sha2_signature=OLD)) == RFC9421


TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)


@given(st.binary(max_size=50), TEXT, TEXT, TEXT, TEXT)
def test_any_headers_at_all_are_refused_and_nothing_else_is_raised(
    body: bytes, digest: str, covered: str, shown: str, old: str
) -> None:
    headers = {"content-digest": digest, "signature-input": covered, "signature": shown, "x-sha2-signature": old}
    for scheme in (RFC9421, SHA2):
        with pytest.raises(BadCallback):
            verify(scheme, replace(delivery(), headers=headers, body=body), HOOK, 300)


@given(TEXT, TEXT, TEXT)
def test_any_parameters_behind_a_right_digest_are_refused_and_nothing_else_is_raised(a: str, b: str, c: str) -> None:
    for said in (f"sig={COVERED};{a}", f'sig=("{b}" {COVERED[1:]}', f"{c}, sig={COVERED}"):
        with pytest.raises(BadCallback):
            verify(RFC9421, vector(signature_input=said, signature="sig=:AAAA:"), HOOK, 300)
