"""Who may use pages and API: tokens, sessions, and requests that browsers must not send."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.admin.login import COOKIE, FAILURES, LONGEST_SECONDS, Login, TooMany, foreign, session_key, token_of
from bridge.admin.operation import Person, Role

ANNA, OLE = "anna-token-0123456789-0123456789", "ole-token-0123456789-0123456789x"
TOKENS = (token_of("anna", "operate", ANNA), token_of("ole", "read", OLE))


class Clock:
    seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def login(clock: Clock) -> Login:
    return make(clock)


def make(clock: Callable[[], float], **more: Any) -> Login:
    given = {"tokens": TOKENS, "this_machine": Role.NOBODY, "key": session_key("an instance secret"), **more}
    return Login(session_seconds=3600.0, now=clock, new_id=iter(str(n) for n in range(99)).__next__, **given)


def request(method: str = "GET", **headers: str) -> web.Request:
    told = {"Host": "127.0.0.1:8081", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return make_mocked_request(method, "/", headers=told)


def session(login: Login, number: int = 0) -> str:
    """Return the cookie of a browser that has just logged in."""
    response = web.Response()
    login.begin(response, login.tokens[number], secure=False)
    return f"{COOKIE}={response.cookies[COOKIE].value}"


def test_a_token_shows_the_person_and_their_role(login: Login) -> None:
    assert login.person(request(Authorization=f"Bearer {ANNA}")) == Person("anna", Role.OPERATE)
    assert login.person(request(Authorization=f"bearer {OLE}")) == Person("ole", Role.READ)
    for wrong in (f"Bearer {ANNA}x", f"Basic {ANNA}", "Bearer ", "Bearer", ANNA):
        assert login.person(request(Authorization=wrong)) is None
    assert login.person(request()) is None


def test_bytes_that_are_no_text_are_a_wrong_token_and_start_no_session(login: Login) -> None:
    """The bytes as aiohttp passes them on: each byte that is not UTF-8 is half a surrogate pair."""
    assert login.by_token("\udcff\udcfe", "10.0.0.1") is None
    with_cookie: Any = SimpleNamespace(cookies={COOKIE: "\udcff\udcfe"})
    assert not login.session(with_cookie)


def test_only_the_hashes_of_tokens_are_kept(login: Login) -> None:
    assert ANNA not in repr(login)
    assert ANNA.encode() not in {token.digest for token in login.tokens}


def test_a_session_is_a_cookie_that_no_script_reads_and_no_other_site_sends(login: Login) -> None:
    response = web.Response()
    login.begin(response, TOKENS[0], secure=True)
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"], cookie["path"]) == (True, "Strict", True, "/")
    assert int(cookie["max-age"]) == 3600
    assert ANNA not in cookie.value
    assert login.person(request(Cookie=f"{COOKIE}={cookie.value}")) == Person("anna", Role.OPERATE)


def test_a_session_ends_when_unused_and_is_renewed_when_used_but_not_for_ever(login: Login, clock: Clock) -> None:
    cookie = session(login)
    clock.seconds += 3599
    assert login.person(request(Cookie=cookie)) is not None
    clock.seconds += 2
    assert login.person(request(Cookie=cookie)) is None
    begun, cookie = clock.seconds, session(login)
    while clock.seconds - begun < LONGEST_SECONDS - 1:
        response = web.Response()
        login.keep(request(Cookie=cookie), response)
        if COOKIE in response.cookies:
            cookie = f"{COOKIE}={response.cookies[COOKIE].value}"
        assert login.person(request(Cookie=cookie)) is not None
        clock.seconds += 1800
    assert login.person(request(Cookie=cookie)) is None


def test_a_session_ends_with_logging_out_and_with_its_token(login: Login, clock: Clock) -> None:
    cookie = session(login)
    other = session(login)
    assert login.end(request(Cookie=cookie), web.Response()) == ("anna", "0")
    assert login.person(request(Cookie=cookie)) is None
    assert login.person(request(Cookie=other)) == Person("anna", Role.OPERATE)
    without = make(clock, tokens=TOKENS[1:])
    changed = make(clock, tokens=(token_of("anna", "operate", ANNA + "2"),))
    lowered = make(clock, tokens=(token_of("anna", "read", ANNA),))
    assert without.person(request(Cookie=other)) is None
    assert changed.person(request(Cookie=other)) is None
    assert lowered.person(request(Cookie=other)) == Person("anna", Role.READ)


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJuYW1lIjoiYW5uYSJ9."])
def test_a_foreign_cookie_is_no_session(login: Login, clock: Clock, cookie: str) -> None:
    assert login.person(request(Cookie=f"{COOKIE}={cookie}")) is None
    foreigner = make(clock, key=session_key("another instance"))
    assert login.person(request(Cookie=session(foreigner))) is None


def test_after_many_wrong_tokens_a_sender_waits_and_sessions_continue(login: Login, clock: Clock) -> None:
    for _ in range(FAILURES):
        assert login.by_token("wrong", "10.0.0.9") is None
    with pytest.raises(TooMany, match="try again in 60 s"):
        login.by_token(ANNA, "10.0.0.9")
    assert login.by_token(ANNA, "10.0.0.8") is not None
    assert login.person(request(Cookie=session(login))) is not None
    clock.seconds += 60
    assert login.by_token(ANNA, "10.0.0.9") is not None


def test_requests_of_this_machine_need_no_token_only_where_the_settings_say_so(clock: Clock) -> None:
    assert not make(clock, tokens=()).possible
    open_ = make(clock, tokens=(), this_machine=Role.READ)
    assert open_.possible
    assert open_.person(request()) == Person("this machine", Role.READ)
    assert open_.person(request(Authorization="Bearer wrong")) is None


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, False),
        ({"Sec_Fetch_Site": "none"}, False),
        ({"Sec_Fetch_Site": "cross-site"}, True),
        ({"Sec_Fetch_Site": "same-site"}, True),
        ({"Origin": "http://127.0.0.1:8081"}, False),
        ({"Origin": "http://127.0.0.1:3000"}, True),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({}, False),
        ({"Cookie": f"{COOKIE}=x"}, True),
        ({"Cookie": f"{COOKIE}=x", "Sec_Fetch_Site": "same-origin"}, False),
    ],
    ids=str,
)
def test_a_page_of_another_site_cannot_act(headers: dict[str, str], refused: bool) -> None:
    assert foreign(request("POST", **headers)) is refused


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_may_link_here_but_not_embed_or_fetch(site: str) -> None:
    assert not foreign(request("GET", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate"))
    assert not foreign(request("GET", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document"))
    assert foreign(request("GET", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe"))
    assert foreign(request("GET", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors", Sec_Fetch_Dest="image"))
    assert foreign(request("GET", Sec_Fetch_Site=site))
    for own in ({}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}, {"Origin": "http://evil.example"}):
        assert not foreign(request("GET", **own))


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({}, False),
        ({"X_Forwarded_Proto": "http"}, False),
        ({"X_Forwarded_Proto": "https"}, True),
        ({"X_Forwarded_Proto": "HTTPS, http"}, True),
    ],
    ids=str,
)
def test_a_renewed_session_behind_a_tls_proxy_stays_secure(
    login: Login, clock: Clock, headers: dict[str, str], secure: bool
) -> None:
    cookie = session(login)
    clock.seconds += 1800
    response = web.Response()
    login.keep(request(Cookie=cookie, **headers), response)
    assert bool(response.cookies[COOKIE]["secure"]) is secure
