"""Log records: one line each, readable by people and programs, without secrets."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from bridge.domain.errors import StoreUnavailable
from bridge.domain.patience import STORE_AWAY
from bridge.monitoring.following import EVENT
from bridge.monitoring.logs import OncePerMinute, setup_logging
from bridge.monitoring.redaction import HIDDEN, Redactor

SECRET = 'hunter"22\\ø'
Start = Callable[..., io.StringIO]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start logging into a text; the root logger is restored afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def start(level: str = "info", form: str = "text") -> io.StringIO:
        stream, redact = io.StringIO(), Redactor()
        redact.register(SECRET)
        setup_logging(level, form, redact, stream)
        return stream

    yield start
    root.handlers[:] = handlers
    root.setLevel(level)


log = logging.getLogger("bridge.sync.worker")


def test_a_text_line_has_keys_and_values(start: Start) -> None:
    out = start()
    log.info("record written", extra={"mapping": "people", "fields": 3, "reason": "a b", "empty": ""})
    line = out.getvalue()
    assert line.count("\n") == 1
    assert line.split(" ", 1)[1] == (
        'level=info part=sync.worker message="record written" mapping=people fields=3 reason="a b" empty=""\n'
    )


def test_the_time_of_a_line_has_its_zone(start: Start) -> None:
    out = start(form="json")
    log.info("record written")
    assert datetime.fromisoformat(json.loads(out.getvalue())["time"]).tzinfo is not None


def test_a_json_line_holds_the_same(start: Start) -> None:
    out = start(form="json")
    log.warning("is %s", "slow", extra={"seconds": 2.5, "ids": ["a", 1], "nested": {"key": None}})
    fields = json.loads(out.getvalue())
    assert fields.pop("time")
    assert fields == {
        "level": "warning",
        "part": "sync.worker",
        "message": "is slow",
        "seconds": 2.5,
        "ids": ["a", 1],
        "nested": {"key": None},
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_record_is_one_line_whatever_it_holds(start: Start, form: str) -> None:
    out = start(form=form)
    try:
        raise ValueError("first\nsecond level=error part=forged")
    except ValueError:
        log.exception("a\r\nlevel=error\u2028forged", extra={"text": "x\ny"})
    assert len(out.getvalue().splitlines()) == 1
    assert "Traceback" in out.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_gets_into_a_line_in_any_way(start: Start, form: str) -> None:
    out = start(form=form)
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        log.exception("said %s", SECRET, extra={"given": SECRET, "more": {"deep": [SECRET, repr(SECRET)]}})
    log.info("by name", extra={"authorization": "abc", "password": 4711, "url": "https://b/hooks/crm1/any.deal/t0ken"})
    log.info("%s and %s", SECRET)  # an argument is missing
    shown = out.getvalue()
    for disguise in (SECRET, json.dumps(SECRET)[1:-1], "hunter", "4711", "abc", "t0ken"):
        assert disguise not in shown
    assert shown.count(HIDDEN) >= 7
    assert len(shown.splitlines()) == 3


def test_records_below_the_level_are_left_out_and_libraries_stay_quiet(start: Start) -> None:
    out = start("warning")
    log.info("not this")
    logging.getLogger("aiohttp.access").info("nor this")
    logging.getLogger("apscheduler.scheduler").warning("nor this")
    log.warning("this")
    assert out.getvalue().count("\n") == 1
    assert "message=this" in out.getvalue()


def test_setting_up_twice_does_not_duplicate_lines(start: Start) -> None:
    start()
    out = start()
    log.info("once")
    assert out.getvalue().count("\n") == 1


def test_an_unreachable_store_is_one_line_a_minute_without_a_traceback(start: Start) -> None:
    out = start()
    log = logging.getLogger("bridge.outage")
    for _ in range(50):
        log.error("store unavailable", extra={"reason": "the disk is full", "once": STORE_AWAY})
        try:
            raise StoreUnavailable("the disk is full")
        except StoreUnavailable:
            log.warning("admin request failed", exc_info=True)
    log.error("something else")
    lines = out.getvalue().splitlines()
    assert [line.partition("message=")[2] for line in lines] == [
        '"store unavailable" reason="the disk is full"',
        '"something else"',
    ]


def test_the_lines_that_were_left_out_are_counted_in_the_next_one() -> None:
    shown = OncePerMinute()
    records = [logging.makeLogRecord({"msg": f"m{at}", "once": "a", "created": at}) for at in (0.0, 1.0, 30.0, 61.0)]
    assert [shown.filter(record) for record in records] == [True, False, False, True]
    assert [vars(record).get("repeated") for record in records] == [None, None, None, 2]


def test_the_beginning_of_a_message_decides_nothing() -> None:
    shown = OncePerMinute()
    records = [logging.makeLogRecord({"msg": "store unavailable", "created": 0.0}) for _ in range(3)]
    assert all(shown.filter(record) for record in records)


def test_other_repeated_lines_are_counted_separately(start: Start) -> None:
    out = start(form="json")
    for number in range(3):
        log.info("synchronized", extra={"reason": "our own pace is reached", "once": "people system"})
        log.info("synchronized", extra={"reason": "our own pace is reached", "once": "deals system"})
        log.info("synchronized", extra={"reason": f"written {number}"})
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [one["reason"] for one in lines].count("our own pace is reached") == 2
    assert len(lines) == 5
    assert not any("once" in one for one in lines)


def test_every_line_of_a_claim_names_its_event(start: Start) -> None:
    out = start(form="json")
    before = EVENT.set(4711)
    try:
        logging.getLogger("aiohttp.client").warning("a library's line")
    finally:
        EVENT.reset(before)
    log.info("outside")
    assert [json.loads(line).get("event") for line in out.getvalue().splitlines()] == [4711, None]
