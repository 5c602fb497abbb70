"""Callback addresses: ours are recognised without a store, and no other address is."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.address import Addresses

SECRET = b"an instance secret of some length"
HERE = Addresses("acme", SECRET, "https://bridge.example")
names = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="._-"), min_size=1, max_size=20)


def test_an_address_names_system_hook_and_a_token_of_40_hex_digits() -> None:
    base, hooks, system, key, token = HERE.url("crm1", "any.deal").rsplit("/", 4)
    assert (base, hooks, system, key) == ("https://bridge.example", "hooks", "crm1", "any.deal")
    assert len(token) == 40
    assert set(token) <= set("0123456789abcdef")


@given(names, names)
def test_our_own_address_is_recognised(system: str, key: str) -> None:
    assert HERE.ours(HERE.url(system, key)) == (system, key)


@given(names, names)
def test_our_address_below_an_older_public_url_is_still_ours(system: str, key: str) -> None:
    older = Addresses("acme", SECRET, "http://old.example:8443/some/hooks/path/")
    assert HERE.ours(older.url(system, key)) == (system, key)


@given(names, names)
def test_addresses_of_other_instances_and_secrets_are_not_ours(system: str, key: str) -> None:
    for other in (Addresses("acme2", SECRET, HERE.public_url), Addresses("acme", SECRET + b".", HERE.public_url)):
        assert HERE.ours(other.url(system, key)) is None


@given(st.text())
def test_any_text_at_all_is_not_ours_and_raises_nothing(text: str) -> None:
    assert HERE.ours(text) is None
    assert HERE.ours(f"https://bridge.example/hooks/{text}") is None
    assert not HERE.check("crm1", "any.deal", text)


def test_a_broken_url_is_not_ours() -> None:
    assert HERE.ours("http://[half/hooks/crm1/any.deal/x") is None


def test_a_token_of_one_hook_does_not_open_another() -> None:
    token = HERE.token("crm1", "any.deal")
    assert HERE.check("crm1", "any.deal", token)
    assert not HERE.check("crm1", "any.person", token)
    assert not HERE.check("crm2", "any.deal", token)
    assert not HERE.check("crm1", "any.deal", "\udc80" + token[1:])


def test_token_password_and_echo_reveal_nothing_about_each_other() -> None:
    token, secret = HERE.token("crm1", "any.deal"), HERE.secret("crm1", "any.deal")
    assert len({token, secret.user, secret.password, HERE.echo("any.deal"), HERE.echo("crm1")}) == 5
    assert token not in secret.password
    assert secret == HERE.secret("crm1", "any.deal")
    assert secret != HERE.secret("crm1", "any.person")


def test_no_secret_is_in_the_printed_form() -> None:
    text = repr(HERE) + repr(HERE.secret("crm1", "any.deal"))
    assert SECRET.decode() not in text
    assert HERE.secret("crm1", "any.deal").password not in text


@given(names, names)
def test_addresses_of_the_former_secret_are_ours_and_keep_their_own_password(system: str, key: str) -> None:
    former = Addresses("acme", SECRET, HERE.public_url)
    now = Addresses("acme", b"a new secret of some length", HERE.public_url, former)
    assert now.ours(former.url(system, key)) == now.ours(now.url(system, key)) == (system, key)
    assert former.ours(now.url(system, key)) is None
    assert now.carrying(system, key, former.token(system, key)).secret(system, key) == former.secret(system, key)
    assert now.carrying(system, key, now.token(system, key)) == now.carrying(system, key, "other") == now
