"""The pages in a real browser: Debian's chromium, driven by Playwright. Skipped where one of the two is missing.

`BRIDGE_SHOTS=folder` keeps a picture of every page: wide light, wide dark and 380 px.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.admin.office import OLE, Office
from tests.admin.reader import BROWSER, FLAGS, SIZES, Reader, opened

if BROWSER is None:
    pytest.skip("there is no browser here: apt-get install chromium", allow_module_level=True)
playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed: make venv")

pytestmark = [pytest.mark.asyncio(loop_scope="module")]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
PAGES = {
    "overview": "/",
    "records": "/records?q=nord",
    "record": "/records/crm/organization/{bakery}",
    "deal": "/records/crm/deal/1",
    "held": "/records/crm/organization/{Fjord twin}",
    "waiting": "/waiting",
    "dead-letters": "/dead-letters",
    "conflicts": "/conflicts",
    "hooks": "/hooks",
    "columns": "/columns",
    "runs": "/runs",
    "mappings": "/mappings",
    "mapping": "/mappings/people",
    "verified": "/mappings/people/verify",
    "plan": "/plan",
    "doctor": "/doctor",
    "settings": "/settings",
    "audit": "/audit",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def anna(browser: Any, here: Office) -> AsyncIterator[Reader]:
    reader = await opened(browser, here)
    await reader.login()
    yield reader
    assert reader.problems == []
    assert {url for url in reader.asked if not url.startswith(here.url)} == set()
    await reader.page.context.close()


IN_THE_DARK = ("overview", "record", "held", "dead-letters", "conflicts", "mapping", "runs")
"""Pages that together show every colour."""
LOOKS = [("wide", "light", None), ("wide", "dark", ["color-contrast"]), ("narrow", "light", ["target-size"])]
"""The rules of axe-core that are checked there: all of them once, elsewhere those whose result may differ."""


@pytest.mark.parametrize(("size", "scheme", "rules"), LOOKS)
async def test_every_page_is_accessible(
    browser: Any, here: Office, size: str, scheme: str, rules: list[str] | None
) -> None:
    """No page is wider than the screen, axe-core finds no problem, and nothing fails in the browser."""
    reader = await opened(browser, here, size, color_scheme=scheme, bypass_csp=True)
    await reader.go("/login")
    problems = [f"login: {one}" for one in await _axe(reader, rules)]
    await reader.login()
    for name, path in PAGES.items():
        if scheme == "dark" and name not in IN_THE_DARK:
            continue
        await reader.go(path)
        for lazy in await reader.page.query_selector_all(".lazy"):
            await lazy.wait_for_selector("h3, .comparison, p.dim >> text=/Read|What a field rule/", timeout=30_000)
        width = await reader.page.evaluate("document.documentElement.scrollWidth")
        if width > SIZES[size][0]:
            problems.append(f"{name}: {width} px wide")
        problems += [f"{name}: {one}" for one in await _axe(reader, rules)]
        if shots := os.environ.get("BRIDGE_SHOTS"):
            await reader.page.screenshot(path=f"{shots}/{name}-{size}-{scheme}.png", full_page=True)
    assert not problems, "\n".join(problems)
    assert reader.problems == []
    await reader.page.context.close()


async def _axe(reader: Reader, rules: list[str] | None) -> list[str]:
    await reader.page.evaluate(AXE)
    how = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = await reader.page.evaluate("how => axe.run(document, how)", how)
    return [f"{one['id']} {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


async def test_a_page_sends_strangers_to_the_login_and_brings_them_back(browser: Any, here: Office) -> None:
    reader = await opened(browser, here)
    await reader.go("/records?q=Ana%20Lund")
    assert "/login?next=" in reader.page.url
    await reader.page.fill("#token", "not-a-token")
    await reader.page.keyboard.press("Enter")
    await reader.sees("This token is not valid")
    await reader.page.fill("#token", OLE)
    await reader.page.keyboard.press("Enter")
    await reader.page.wait_for_url("**/records?q=Ana%20Lund")
    await reader.sees("ana@nordlys.example")
    cookie = next(one for one in await reader.page.context.cookies() if one["name"] == "bridge_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    await reader.page.click("text=Log out")
    await reader.page.wait_for_url("**/login")
    await reader.page.context.add_cookies([cookie])
    await reader.go("/")
    assert "/login" in reader.page.url, "an ended session is not accepted again"
    await reader.page.context.close()


async def test_a_reader_sees_no_button_for_actions(browser: Any, here: Office) -> None:
    reader = await opened(browser, here)
    await reader.login(OLE)
    for path in PAGES.values():
        await reader.go(path)
        assert await reader.page.query_selector_all("form[action^='/act/']") == []
    await reader.page.context.close()


async def test_a_page_can_be_used_by_keyboard_alone(anna: Reader) -> None:
    page = anna.page
    await anna.go("/runs")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "live"
    names = []
    for _ in range(8):
        await page.keyboard.press("Tab")
        names.append(await page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText || ''"))
    assert names[:3] == ["deals", "Sweep deals", "Full sweep of deals"]
    await page.focus("button[aria-label='Resume deals']")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog[open]")
    await page.keyboard.press("Escape")
    assert await page.query_selector("dialog[open]") is None
    assert await page.evaluate("document.activeElement.ariaLabel") == "Resume deals"


async def test_records_are_found_while_writing_and_the_address_can_be_passed_on(anna: Reader) -> None:
    await anna.go("/records")
    await anna.page.fill("#q", "Østlandet")
    await anna.page.wait_for_selector("text=1 record found")
    await anna.page.wait_for_url("**/records?q=%C3%98stlandet")
    await anna.page.click("#hits tbody th a")
    await anna.page.wait_for_selector("h1:has-text('Østlandet')")


async def test_times_are_in_the_readers_zone_with_the_absolute_one_on_hover(anna: Reader) -> None:
    await anna.go("/records/crm/deal/1")
    shown = anna.page.locator(".story time").first
    assert "ago" in await shown.inner_text() or "now" in await shown.inner_text()
    title = await shown.get_attribute("title")
    assert any(zone in title for zone in ("CET", "GMT+1", "Central European")), title


async def test_a_pair_is_compared_and_marked_as_due(anna: Reader) -> None:
    await anna.go("/records/crm/organization/{bakery}")
    await anna.page.wait_for_selector("tr.differs >> text=Østlandets Bakeri AS")
    assert "Østlandet Bakeri og Konditori" in await anna.page.inner_text("tr.differs")
    await anna.page.click("text=Resync")
    await anna.sees("Differing fields are written to the other system")
    await anna.page.click("dialog[open] >> text=Cancel")
    assert not await anna.here.bridge.store.audit.recent(1) or "resync" not in anna.page.url
    await anna.page.click("text=Resync")
    await anna.sure()
    await anna.sees("is due")
    assert (await anna.here.bridge.store.audit.recent(1))[0].person == "anna"


async def test_an_undo_is_shown_first_and_confirmed_once(anna: Reader) -> None:
    here = anna.here
    here.pipedrive.person_edits("persons", here.ids["Ana Lund"], {"name": "Ana Lunde"})

    async def crossed(name: str) -> bool:
        return any(row["name"] == name for row in here.deskera.dump()["records"]["contacts"])

    await here.until(lambda: crossed("Ana Lunde"), "the edit crosses")
    await anna.go("/records/crm/person/{Ana Lund}")
    await anna.page.click("text=Undo the last write to erp")
    await anna.sees("What it would do")
    assert "name" in await anna.page.inner_text("pre.told")
    assert await crossed("Ana Lunde")
    await anna.page.click("text=Cancel")
    await anna.page.click("text=Undo the last write to erp")
    await anna.page.click("text=Yes, do it")
    await anna.sees("reverts this")
    await here.until(lambda: crossed("Ana Lund"), "the undo")
    await anna.page.wait_for_selector(".story >> text=undone by undo/")


async def test_a_mapping_goes_to_shadow_and_back_on_its_page(anna: Reader) -> None:
    await anna.go("/mappings/people")
    await anna.page.click("text=Back to shadow")
    await anna.sure()
    await anna.sees("people is shadow from now on")
    await anna.page.click("text=Set live")
    await anna.sure()
    await anna.sees("people is live from now on")


async def test_a_plan_is_made_in_the_background_and_shown_when_it_is_there(anna: Reader) -> None:
    await anna.go("/plan")
    await anna.sees("No plan has been made since this bridge started")
    await anna.page.select_option("select[name=mapping]", "deals")
    await anna.page.click("main button:text-is('Make a plan')")
    await anna.sees("Running")
    await anna.page.wait_for_selector("text=Something would change.", timeout=60_000)
    await anna.page.wait_for_selector("td >> text=Waits for the stocktaking")


async def test_a_page_updates_itself(anna: Reader) -> None:
    await anna.go("/")
    await anna.page.wait_for_selector("#live-sign:not([hidden])", state="attached")
    await asyncio.sleep(2.5)  # the first event of the stream
    await anna.here.bridge.store.mappings.set_paused("people", True, "follows by itself")
    await anna.sees("follows by itself")
    await anna.here.bridge.store.mappings.set_paused("people", False, "")
    await anna.page.wait_for_selector("text=follows by itself", state="detached", timeout=15_000)


async def test_a_mapping_is_tried_on_its_page(anna: Reader) -> None:
    await anna.go("/mappings/people")
    await anna.page.fill("textarea[name=fields]", '{"name": "Cy Dahl", "emails.primary": "CY@x.example"}')
    await anna.page.click("text=Show the result")
    await anna.page.wait_for_selector("#tried >> text=Cy Dahl")
    await anna.page.fill("textarea[name=fields]", "{")
    await anna.page.click("text=Show the result")
    await anna.page.wait_for_selector("#tried >> text=No result")


async def test_hooks_are_repaired_and_runs_are_started_paused_and_resumed(anna: Reader) -> None:
    await anna.go("/hooks")
    await anna.page.click("text=Compare and repair")
    await anna.sure()
    await anna.page.wait_for_selector(".notice.done, .notice.queued")  # the page showed the same hooks before
    await anna.sees("9 hooks in place, 0 registered, 0 removed")
    await anna.go("/runs")
    await anna.page.click("button[aria-label='Pause people']")
    await anna.sees("people: paused; callbacks are still accepted")
    await anna.page.click("button[aria-label='Resume people']")
    await anna.sure()
    await anna.sees("people: writing again")
    await anna.page.click("button[aria-label='Count older records of people']")
    await anna.sees("backfill preview")
    await anna.page.click("button[aria-label='Sweep people']")
    await anna.sure()
    await anna.page.wait_for_selector(".notice.done, .notice.queued")


async def test_dead_letters_are_selected_and_discarded_with_a_note(anna: Reader) -> None:
    await anna.go("/dead-letters")
    await anna.page.click("text=Discard selected")
    await anna.sees("Select at least one record first")
    await anna.page.keyboard.press("Escape")
    await anna.page.fill("input[name=note]", "merged at the product")
    await anna.page.check(f"input[aria-label='Select crm organization {anna.here.ids['Fjord twin']}']")
    await anna.page.click("text=Discard selected")
    await anna.sure()
    await anna.sees("1 dead letter is discarded")
    await anna.page.click("text=Retry all 1")
    await anna.sure()
    await anna.sees("1 dead letter is tried again")
    await anna.go("/audit")
    assert "merged at the product" in await anna.text()


async def test_a_conflict_is_chosen(anna: Reader) -> None:
    await anna.go("/conflicts")
    await anna.page.click("button[aria-label='Take this value: erp for name']")
    await anna.sure()
    await anna.sees("both sides get the value of erp")
    await anna.page.wait_for_selector("text=No field waits for a choice", timeout=15_000)


async def test_without_javascript_an_action_is_confirmed_on_a_separate_page(browser: Any, here: Office) -> None:
    reader = await opened(browser, here, java_script_enabled=False)
    await reader.login()
    await reader.go("/runs")
    await reader.page.click("button[aria-label='Resume deals']")
    await reader.sees("Continue writing? Waiting changes are written now.")
    await reader.page.click("text=Yes, do it")
    await reader.sees("deals: writing again")
    await reader.go("/waiting")
    await reader.page.context.close()


async def test_empty_pages_say_what_to_do(anna: Reader) -> None:
    async def quiet() -> bool:
        return not await anna.here.bridge.store.waiting.all()

    await anna.here.until(quiet, "nothing waits")
    await anna.go("/waiting")
    assert "Nothing is waiting." in await anna.text()
    await anna.go("/records?q=nobody-of-that-name")
    assert "No record matches" in await anna.text()
    await anna.go("/mappings/none")
    assert "no mapping is called" in await anna.text()
    assert "Log out" in await anna.text()
    anna.problems.clear()  # the browser notes the 404
