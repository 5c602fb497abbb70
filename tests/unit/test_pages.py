"""No value breaks a page or shows a secret, and whoever must log in returns to the same page."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.admin.api import Desk
from bridge.admin.login import COOKIE, Login, session_key, token_of
from bridge.admin.operation import Operation, Role
from bridge.admin.pages import Pages
from bridge.app.desk import actions, compare, work
from bridge.monitoring.redaction import Redactor

SECRET = """pa&ss<w>o"r'd-is-long"""
HOSTILE = [
    "secret:x",
    "secret:",
    'password="',
    "client_secret='x",
    "Authorization: Basic dXNlcjpwYXNz",
    "https://user:pw@host/",
    "/hooks/a/b/c",
    "<script>alert(1)</script>",
    '"><input name=record value=9>',
    "secret=`x",
    SECRET,
]


class Read(HTMLParser):
    """Collects the cells of the page's tables, and its form fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.odd: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "input":
            self.fields.append((told.get("name", ""), told.get("value", "")))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag in ("td", "th", "tr", "form", "table", "span", "script"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "form", "table", "span", "script") and (not self.open or self.open.pop() != tag):
            self.odd.append(tag)

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data


class EmptyAudit:
    """An audit log that stays empty: these pages do nothing."""

    async def note(self, *deed: Any) -> None:
        raise AssertionError(deed)

    async def since(self, action: str, moment: float) -> list[Any]:
        return []


def pages_of(answers: dict[str, tuple[Any, Any]], this_machine: Role = Role.OPERATE, **more: Any) -> Pages:
    """Return pages that show these answers, by operation: (class of its parameters, answer)."""
    redact = Redactor()
    redact.register(SECRET)
    login = Login(
        tokens=more.get("tokens", ()),
        this_machine=this_machine,
        session_seconds=3600.0,
        key=session_key("an instance secret"),
        now=lambda: 1_000_000.0,
        new_id=lambda: "1",
    )

    def operation(name: str, given: Any, found: Any, role: Role, sure: str = "") -> Operation:
        async def act(person: Any, asked: Any) -> Any:
            return found

        return Operation(name, "GET", f"/{name}", name, role, given, type(found), act, sure)

    shown = [operation(name, given, found, Role.READ) for name, (given, found) in answers.items()]
    done = [operation(name, actions.Noted, None, Role.OPERATE, "Sure?") for name in ("retry", "discard", "resync")]

    return Pages(Desk(lambda: [*shown, *done], login, redact, EmptyAudit()), "office")


def letter(record: str, text: str) -> work.Letter:
    return work.Letter("people", "crm", "person", record, f"crm person {record}", "/x", text, None, 3, "refused", text)


async def page(pages: Pages, path: str, **in_path: str) -> Read:
    answer = await pages.show(path, make_mocked_request("GET", "/somewhere", match_info=in_path))
    assert isinstance(answer.text, str)
    assert answer.status == 200, answer.text
    assert SECRET not in answer.text
    assert SECRET.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") not in answer.text
    found = Read(answer.text)
    assert (found.open, found.odd) == ([], [])
    return found


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_value_that_looks_like_a_credential_hides_nothing_beside_it(value: str) -> None:
    def row(name: str, left: str) -> compare.Compared:
        given: dict[str, Any] = dict.fromkeys(compare.Compared.__match_args__, None)
        told = {"field": name, "left": left, "right": "beside", "left_base": "before", "right_base": "before"}
        return compare.Compared(**{**given, **told})

    shown: dict[str, Any] = dict.fromkeys(compare.Comparison.__match_args__, None)
    told: dict[str, Any] = {
        "records": ["crm person 1", "erp contact 1"],
        "sides": ["crm", "erp"],
        "modified": [None, None],
    }
    told |= {"fields": [row("name", value), row("next", "untouched")]}
    found = await page(
        pages_of({"compare": (compare.WhichPair, compare.Comparison(**{**shown, **told}))}),
        "/records/{side}/{entity}/{record}/compare/{mapping}",
        side="crm",
        entity="person",
        record="1",
        mapping="people",
    )
    assert found.cells[6:12] == [
        "name",
        Redactor()(value) if value != SECRET else "***",
        "before",
        "before",
        "beside",
        "nothing",
    ]
    assert found.cells[12:17] == ["next", "untouched", "before", "before", "beside"]


@pytest.mark.parametrize("value", HOSTILE)
async def test_no_value_removes_a_field_from_the_form_of_an_action(value: str) -> None:
    letters = work.Letters(2, [work.LetterGroup("refused", value, [letter(value, value), letter("2", "untouched")])])
    found = await page(pages_of({"letters": (work.Part, letters)}), "/dead-letters")
    names = [name for name, _ in found.fields if name != "q"]
    assert names == ["back", "code", "note", "records", "records"]
    records = [json.loads(told) for name, told in found.fields if name == "records"]
    assert records[1] == ["crm", "person", "2"]
    assert records[0][:2] == ["crm", "person"]


TOKENS = (token_of("anna", "operate", "anna-token-0123456789-0123456789"),)


def request(method: str, path: str, form: Any = None, **headers: str) -> web.Request:
    told = {"Host": "bridge.example", **{name.replace("_", "-"): value for name, value in headers.items()}}
    made = make_mocked_request(method, path, headers=told, match_info={"operation": "retry", "mapping": "people"})
    made._post = form or {}  # type: ignore[assignment] # what aiohttp keeps of a form it has read
    return made


@pytest.mark.parametrize(
    ("form", "headers", "ahead"),
    [
        ({"back": "/records/crm/person/7"}, {}, "%2Frecords%2Fcrm%2Fperson%2F7"),
        ({"back": "https://evil.example/"}, {}, "%2F"),
        ({}, {"Referer": "https://bridge.example/waiting?mapping=people"}, "%2Fwaiting%3Fmapping%3Dpeople"),
        ({}, {"Referer": "https://evil.example/waiting"}, "%2F"),
        ({}, {}, "%2F"),
    ],
    ids=str,
)
async def test_an_action_after_the_sessions_end_returns_to_its_page(
    form: dict[str, str], headers: dict[str, str], ahead: str
) -> None:
    pages = pages_of({}, Role.NOBODY, tokens=TOKENS)
    answer = await pages.act(request("POST", "/act/retry", form, Sec_Fetch_Site="same-origin", **headers))
    assert (answer.status, answer.headers["Location"]) == (303, f"/login?next={ahead}")


async def test_a_part_of_a_page_after_the_sessions_end_sends_the_whole_page_to_the_login() -> None:
    pages = pages_of({}, Role.NOBODY, tokens=TOKENS)
    now = {
        "HX_Request": "true",
        "HX_Current_URL": "https://bridge.example/records/crm/person/7",
        "Cookie": f"{COOKIE}=x",
    }
    at = "/records/{side}/{entity}/{record}/compare/{mapping}"
    answer = await pages.show(
        at, request("GET", "/records/crm/person/7/compare/people", Sec_Fetch_Site="same-origin", **now)
    )
    assert (answer.status, answer.headers["HX-Redirect"]) == (200, "/login?next=%2Frecords%2Fcrm%2Fperson%2F7")
    assert "Location" not in answer.headers
