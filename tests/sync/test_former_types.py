"""A store of a release that read telephone numbers and e-mail addresses differently, used by this one."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import phonenumbers
import pytest

from bridge.mapping.types import registry
from bridge.mapping.types.kind import Kind, fold_text, reduces_text
from bridge.mapping.types.registry import TYPES
from bridge.mapping.values import Phone
from tests.sync.bench import PEOPLE, Bench

NewBench = Callable[..., Awaitable[Bench]]
TEXT = PEOPLE.replace("erp: phone, absent: clear", "erp: phone, type: phone")
EXTENSION = "+1 212 555 0123 ext. {}"
ANA = {"name": "Ana Lund", "email": "mailto:ana@x.example", "phone": EXTENSION.format(89)}


def _former_phone(options: Mapping[str, Any]) -> Kind:
    """The former phone type: it compared by E.164 only and stored two parts."""

    def parse(raw: Any) -> Phone:
        number = phonenumbers.parse(raw, None)
        return Phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), raw)

    return Kind(
        "phone",
        parse,
        render=lambda value: value.original,
        fold=lambda value: value.e164,
        dump=lambda value: [value.e164, value.original],
        load=lambda data: Phone(*data),
    )


def _former_email(options: Mapping[str, Any]) -> Kind:
    return Kind("email", str, fold=fold_text, reduces=reduces_text)


@pytest.fixture
async def taken_over(new_bench: NewBench, monkeypatch: pytest.MonkeyPatch) -> tuple[Bench, str]:
    """Link Ana with the former release, and then start this one with the same mapping files."""
    former = {"phone": (_former_phone, TYPES["phone"][1]), "email": (_former_email, TYPES["email"][1])}
    with monkeypatch.context() as patch:
        patch.setattr(registry, "TYPES", {**TYPES, **former})
        bench = await new_bench(TEXT)
        record_id = bench.crm.person_creates("person", **ANA)
        await bench.settle()
        bench.crm.person_edits("person", record_id, phone=EXTENSION.format(90))
        await bench.settle()
        assert bench.erp.live("person")["1"]["phone"] == EXTENSION.format(89), "it never crossed"
        bench.crm.person_edits("person", record_id, phone=EXTENSION.format(89))
        await bench.settle()
    await bench.adopt(TEXT)
    return bench, record_id


async def test_nothing_is_written_for_what_nobody_edited(taken_over: tuple[Bench, str]) -> None:
    bench, record_id = taken_over
    await bench.assert_silent()
    assert {**bench.erp.live("person")["1"], **ANA} == bench.erp.live("person")["1"]
    assert bench.crm.live("person")[record_id]["email"] == "mailto:ana@x.example"


@pytest.mark.parametrize("look_first", [True, False])
@pytest.mark.parametrize("editor", ["crm", "erp"])
async def test_an_edit_of_what_was_not_compared_before_crosses(
    taken_over: tuple[Bench, str], editor: str, look_first: bool
) -> None:
    bench, record_id = taken_over
    if look_first:
        await bench.tell_all()
        await bench.settle()
    bench.clock.advance(60)
    bench.product(editor).person_edits("person", record_id if editor == "crm" else "1", phone=EXTENSION.format(90))
    await bench.settle()
    shown = (bench.crm.live("person")[record_id]["phone"], bench.erp.live("person")["1"]["phone"])
    assert shown == (EXTENSION.format(90), EXTENSION.format(90))
    await bench.assert_silent()


async def test_a_record_known_by_its_former_key_is_found_by_the_new_one(taken_over: tuple[Bench, str]) -> None:
    """Both sides are listed once more before anything is created, so the cleaned address matches."""
    bench, _ = taken_over
    bench.erp.person_creates("person", name="Bo Ek", email="bo@x.example\u200b")
    await bench.index()
    bench.clock.advance(60)
    record_id = bench.crm.person_creates("person", name="Bo Ek", email="bo@x.example")
    await bench.settle()
    assert bench.crm.live("person")[record_id]["email"] == "bo@x.example"
    assert len(bench.crm.live("person")) == len(bench.erp.live("person")) == 2
