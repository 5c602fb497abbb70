"""What `bridge doctor` reports about clocks, quotas and disks, and what its archive leaves out."""

import json
import shutil
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.app import doctor
from bridge.app.bundle import KEPT, MAIL, _mapping_files, _without_tests, shape
from bridge.app.doctor import Timed, _clock
from bridge.app.finding import OF_SYSTEM, remedy_of
from bridge.app.status import status_of
from bridge.connectors.protocols import HttpRequest, HttpResponse
from bridge.domain.seams import Seams
from bridge.monitoring.health import CheckResult, Status
from bridge.settings.load import load_settings
from bridge.settings.model import AdminSettings, TokenSettings
from bridge.store import Store
from bridge.store.figures import State
from tests.acceptance.site import SECRETS, Site
from tests.clock import FakeClock

ASKED = HttpRequest("GET", "https://vendor.example/v1/me")


class Vendor:
    """Answers after `seconds` with the time of a clock that is `ahead` of ours, in whole seconds."""

    def __init__(self, clock: FakeClock, ahead: float, seconds: float) -> None:
        self.clock, self.ahead, self.seconds = clock, ahead, seconds

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.clock.advance(self.seconds / 2)
        theirs = (self.clock.now() + timedelta(seconds=self.ahead)).replace(microsecond=0)
        self.clock.advance(self.seconds / 2)
        return HttpResponse(200, {"date": format_datetime(theirs, usegmt=True)})


@pytest.mark.parametrize(
    ("ahead", "seconds", "status"),
    [
        (0.0, 0.1, Status.PASS),
        (0.0, 20.0, Status.PASS),  # a slow answer does not mean a wrong clock
        (-0.9, 0.1, Status.PASS),
        (45.0, 0.1, Status.WARN),
        (-45.0, 3.0, Status.WARN),
        (-700.0, 0.1, Status.FAIL),
        (700.0, 0.1, Status.FAIL),
    ],
)
async def test_a_vendors_clock_is_compared_with_ours(
    new_seams: Any, clock: FakeClock, ahead: float, seconds: float, status: Status
) -> None:
    seams: Seams = new_seams()
    clock.advance(0.5)
    timed = Timed(Vendor(clock, ahead, seconds), seams)
    await timed.send(ASKED)
    found = _clock("crm1", timed.skews["vendor.example"])
    assert found.status is status, found
    assert bool(found.remedy) is (status is not Status.PASS)


async def test_an_answer_without_a_date_shows_nothing_about_the_clock(new_seams: Any) -> None:
    class Dateless:
        async def send(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse(200, {"date": "soon"})

    timed = Timed(Dateless(), new_seams())
    await timed.send(ASKED)
    assert timed.skews == {}


@pytest.mark.parametrize(
    ("free", "status"), [(10 * 2**20, Status.FAIL), (300 * 2**20, Status.WARN), (2**40, Status.PASS)]
)
def test_a_disk_that_fills_is_reported_before_it_is_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, status: Status
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    found = doctor._room(State("0008", 50 * 2**20, (), tmp_path / "bridge.sqlite", "SQLite"))
    assert (found.status, bool(found.remedy)) == (status, status is not Status.PASS)


def test_every_part_has_a_remedy() -> None:
    down, well = (CheckResult(status, "answers as Lund AS", system="crm1") for status in (Status.WARN, Status.PASS))
    assert doctor._of_part("any name", down).remedy == OF_SYSTEM
    assert (doctor._of_part("any name", down).speaks, doctor._of_part("any name", well).speaks) == (False, True)
    assert "bridge run" in remedy_of("worker")


class Listener:
    """The admin listener of a running bridge that accepts this token; "": it accepts none."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def send(self, request: HttpRequest) -> HttpResponse:
        assert request.url == "http://127.0.0.1:8081/health"
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return HttpResponse(401, {}, b'{"error": "send a token"}')
        checks = {part: [{"status": "pass", "output": "told elsewhere"}] for part in ("store", "hooks", "quota")}
        checks["scheduler"] = [{"status": "pass", "output": "three jobs"}]
        return HttpResponse(200, {}, json.dumps({"checks": checks}).encode())


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ("", "", ("scheduler", Status.PASS, "three jobs")),
        ("t" * 24, "t" * 24, ("scheduler", Status.PASS, "three jobs")),
        ("t" * 24, "u" * 24, ("admin token", Status.WARN, "does not accept the first token")),
        ("", "u" * 24, ("admin token", Status.WARN, "needs a token, and these settings have none")),
    ],
)
async def test_the_running_bridge_is_called_with_a_token_of_the_settings(
    tmp_path: Path, ours: str, theirs: str, told: tuple[str, Status, str]
) -> None:
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    settings = load_settings(site.settings, {**SECRETS, "ACCEPT_STORE_URL": site.store_url})
    tokens = [TokenSettings(name="ana", role="read", secret=SecretStr(ours))] if ours else []
    settings = settings.model_copy(update={"admin": AdminSettings(port=8081, tokens=tokens)})
    (found,) = await doctor._of_running_bridge(settings, Listener(theirs), known=())
    assert (found.part, found.status) == told[:2]
    assert told[2] in found.text
    assert bool(found.remedy) is (found.status is not Status.PASS)


# -- the archive -----------------------------------------------------------------------------------------------------
def test_values_become_their_type_and_length() -> None:
    detail = {"changes": {"name": ["Ana Lund", None]}, "amount": 12, "ok": True}
    assert shape(detail) == {"changes": {"name": ["text(8)", None]}, "amount": "number", "ok": True}


def test_mail_addresses_are_found_everywhere() -> None:
    for text in ("ana@x.example", "<ana.lund+a@mail.x.example>", '"a@b.co"', "{ann@x.example: 4711}", "(søren@ø.dk)"):
        assert "@" not in MAIL.sub("", text), text


def test_a_mapping_file_loses_its_examples_and_no_other_line() -> None:
    head, examples = "mapping: a\nfields:\n  x: {crm: a}\n", "tests:\n  - name: Ana\n    crm: {n: Ana}\n\n# more\n"
    text = f"{head}{examples}match: none\n---\nmapping: b\n"
    kept = _without_tests(text)
    assert "Ana" not in kept
    assert kept.count("\n") == text.count("\n")
    assert kept.splitlines()[8:] == ["match: none", "---", "mapping: b"]


@pytest.mark.parametrize(
    "text",
    [
        "mapping: a\ntests:\n- name: Ana\n- name: Ana\nmatch: none\n",
        "mapping: a\nmatch: none\ntests:\n  - name: Ana",
        'mapping: a\n"tests":\n  - name: Ana\nmatch: none\n---\nmapping: b\ntests: [{name: Ana},\n{name: Ana}]',
        "{mapping: a, tests: [{name: Ana}]}",
        "mapping: a\ntests: [\n{name: Ana}\nmatch: none\n",
        "mapping: a\ntests: [{name: x}]\ntests: [{name: Ana}]\n",
    ],
)
def test_examples_in_any_notation_stay_out_of_the_archive(text: str) -> None:
    assert "Ana" not in _without_tests(text)


def test_mapping_files_in_folders_below_are_in_the_archive_as_they_are_read(tmp_path: Path) -> None:
    for name in ("a.yaml", "below/b.yaml", ".hidden/c.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mapping: a\n")
    assert [name for name, _ in _mapping_files(tmp_path)] == ["a.yaml", "below/b.yaml"]


async def test_every_heading_of_status_lists_its_columns_without_personal_data(store: Store) -> None:
    assert set(KEPT) == set(await status_of(store))


async def test_both_databases_are_checked(made_url: str, tmp_path: Path, new_seams: Any) -> None:
    site = Site(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    found = await doctor.examine(site.settings, {**SECRETS, "ACCEPT_STORE_URL": made_url}, new_seams(), live=False)
    told = {one.part: one.status for one in found.findings}
    assert told["settings"] is told["store"] is told["disk"] is told["dead letters"] is Status.PASS
    assert told["bridge"] is Status.FAIL
    assert told.get("integrity", Status.PASS) is Status.PASS
    assert all(one.remedy for one in found.findings if one.status is not Status.PASS)
