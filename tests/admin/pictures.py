"""The pictures of README.md and docs/admin.md, of a bridge between two simulated products with invented data.

`make pictures` makes them again. `--every FOLDER`: also every page, wide, dark and 380 px, for a person to look at.
"""

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import async_playwright
from sqlalchemy import select, update

from bridge.store.tables import journal
from tests.admin.office import Office, office
from tests.admin.reader import BROWSER, FLAGS, SIZES, Reader, opened

CITIES = ("Bergen", "Oslo", "Trondheim", "Stavanger", "Tromsø", "Bodø", "Ålesund", "Molde")
TRADES = ("Shipping", "Bakeri", "Elektro", "Bygg", "Optikk", "Transport", "Kaffe", "Design")
FIRST = ("Ana", "Bo", "Cecilie", "David", "Eva", "Finn", "Grete", "Håkon", "Ida", "Jonas", "Kari", "Lars")
LAST = ("Lund", "Berg", "Dahl", "Holm", "Moen", "Vik", "Strand", "Haugen")
WORK = ("Winter order", "Spring order", "Service contract", "Spare parts", "New premises", "Yearly supply")
PICTURES = {
    "overview": "/",
    "record": "/records/crm/organization/{Bergen Kaffe}",
    "dead-letters": "/dead-letters",
    "conflicts": "/conflicts",
    "plan": "/plan",
    "doctor": "/doctor",
}
HEIGHT = {"overview": 1120, "record": 1310}
EVERY = {
    **PICTURES,
    "records": "/records?q=berg",
    "deal": "/records/crm/deal/1",
    "held": "/records/crm/organization/{twin}",
    "waiting": "/waiting",
    "hooks": "/hooks",
    "columns": "/columns",
    "runs": "/runs",
    "mappings": "/mappings",
    "mapping": "/mappings/people",
    "verified": "/mappings/organizations/verify",
    "settings": "/settings",
    "audit": "/audit",
    "login": "/login",
    "nothing": "/records?q=nobody",
    "missing": "/mappings/none",
}
DAY = 86_400.0


async def furnish(here: Office) -> None:
    """A day at a company: some hundred records, a conflict, two duplicates, a paused mapping."""
    dice = random.Random(7)
    names = [f"{city} {trade}" for city in CITIES for trade in TRADES][::2]
    for name in names:
        here.company(name, address={"value": f"Storgata {dice.randrange(1, 90)}, {name.split()[0]}"})
    await here.pairs("organizations", len(names))
    people = [f"{first} {last}" for first in FIRST for last in LAST][::3]
    for name in people:
        mail = name.lower().replace(" ", ".").replace("å", "a")
        company = int(here.ids[dice.choice(names)])
        mails = [{"value": f"{mail}@kunde.example", "primary": True, "label": "work"}]
        made = here.pipedrive.person_creates("persons", {"name": name, "emails": mails, "org_id": company})
        here.ids[name] = str(made["id"])
    kaffe = int(here.ids["Bergen Kaffe"])
    for number in range(40):
        company = kaffe if number < 3 else int(here.ids[dice.choice(names)])
        deal = {
            "title": dice.choice(WORK),
            "value": dice.randrange(20, 900) * 100,
            "currency": "NOK",
            "org_id": company,
        }
        here.pipedrive.person_creates("deals", deal)
    await here.pairs("people", len(people))
    await here.pairs("deals", 40)
    here.pipedrive.person_edits("organizations", str(kaffe), {"address": {"value": "Bryggen 12, Bergen"}})
    await _crossed(here, "Bryggen 12")
    for name in ("Oslo Elektro", "Bodø Kaffe"):
        here.company(name, address={"value": "Havnegata 1"})
    here.ids["twin"] = here.ids["Oslo Elektro"]
    await here.until(lambda: _letters(here, 2), "two duplicates are held")
    await _conflict(here, "Bergen Kaffe", "Bergen Kaffe og Te", "Bergens Kaffe AS")
    await here.until(lambda: _quiet(here), "nothing is due any more")
    await _spread(here, dice)
    await here.bridge.store.mappings.set_paused("deals", True, "stocktaking until noon")
    for title in ("Christmas order", "Espresso machines", "Service contract 2027"):
        here.pipedrive.person_creates("deals", {"title": title, "value": 4200, "currency": "NOK", "org_id": kaffe})
    await here.until(lambda: _waits(here, 3), "three deals wait")


async def _crossed(here: Office, text: str) -> None:
    async def there() -> bool:
        return text in str(here.deskera.dump()["records"]["contacts"])

    await here.until(there, f"{text} crosses")


async def _conflict(here: Office, name: str, crm: str, erp: str) -> None:
    contact = here.contact(name)
    await here.bridge.store.mappings.set_paused("organizations", True, "")
    here.pipedrive.person_edits("organizations", here.ids[name], {"name": crm})
    here.deskera.person_edits("contacts", contact, {"name": erp})
    await here.bridge.store.mappings.set_paused("organizations", False, "")

    async def asked() -> bool:
        return len(await here.bridge.store.conflicts.waiting()) == 1

    await here.until(asked, "the conflict")


async def _letters(here: Office, number: int) -> bool:
    return len(await here.bridge.store.dead_letters.list()) >= number


async def _quiet(here: Office) -> bool:
    return await here.bridge.store.tasks.waiting() == 0


async def _waits(here: Office, number: int) -> bool:
    return len(await here.bridge.store.waiting.all("deals")) >= number


async def _spread(here: Office, dice: random.Random) -> None:
    """Spread all events over the course of a working day."""

    def work(conn: Any) -> None:
        rows = list(conn.execute(select(journal.c.id, journal.c.at).order_by(journal.c.id)))
        backs = sorted((_ago(dice) for _ in rows), reverse=True)
        for (number, at), back in zip(rows[:-6], backs, strict=False):
            conn.execute(update(journal).where(journal.c.id == number).values(at=at - back))

    await here.bridge.store.database.write("spread", work)


def _ago(dice: random.Random) -> float:
    """Put most events into two waves of the day."""
    return min(DAY, max(600.0, dice.gauss(dice.choice((4.0, 19.0)) * 3600, 5400.0)))


def looks() -> Iterator[tuple[str, str]]:
    yield from (("wide", "light"), ("wide", "dark"), ("narrow", "light"))


async def taken(pictures: Path, every: Path | None) -> None:
    """Start the bridge, look around as a person does, and save the pictures."""
    pictures, every = pictures.absolute(), every and every.absolute()  # noqa: ASYNC240 - before anything runs
    with TemporaryDirectory() as folder, chdir(folder):  # no folder of this machine may be visible
        async with office(Path(), copy="bridge-1") as here, async_playwright() as driver:
            await furnish(here)
            browser = await driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
            await _look_around(await opened(browser, here))
            reader = await opened(browser, here, color_scheme="light")
            await reader.login()
            for name, path in PICTURES.items():
                await _shown(reader, path)
                await reader.page.set_viewport_size({"width": SIZES["wide"][0], "height": HEIGHT.get(name, 820)})
                await reader.page.screenshot(path=pictures / f"{name}.png")
            for size, scheme in looks() if every is not None else ():
                assert every is not None
                reader = await opened(browser, here, size, color_scheme=scheme)
                await reader.login()
                for name, path in EVERY.items():
                    await _shown(reader, path)
                    await reader.page.screenshot(path=every / f"{name}-{size}-{scheme}.png", full_page=True)
            await browser.close()


async def _look_around(reader: Reader) -> None:
    """Do what a person does in the morning, so that every page has content."""
    await reader.login()
    await _begun(reader, "/doctor", "Check everything")
    await _begun(reader, "/plan", "Make a plan")
    await _begun(reader, "/mappings/organizations/verify", "Verify")
    await reader.go("/records/crm/organization/{Bergen Kaffe}")
    await reader.page.click("text=Resync")
    await reader.sure()
    await reader.sees("is due")


async def _begun(reader: Reader, path: str, button: str) -> None:
    await reader.go(path)
    await reader.page.click(f"main button:text-is('{button}')")
    await _until(reader, lambda: reader.page.query_selector("strong:text-is('Running')"), gone=True)


async def _until(reader: Reader, seen: Callable[[], Awaitable[Any]], *, gone: bool) -> None:
    for _ in range(600):
        await asyncio.sleep(0.2)
        if (await seen() is None) is gone:
            return
    raise AssertionError(f"{reader.page.url} does not go on")


async def _shown(reader: Reader, path: str) -> None:
    """Take a picture of the whole page, with all that it loads."""
    await reader.go(path)
    for lazy in await reader.page.query_selector_all(".lazy"):
        await lazy.wait_for_selector("h3, .comparison", timeout=20_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--every", type=Path)
    told = parser.parse_args()
    for folder in filter(None, (told.pictures, told.every)):
        folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(taken(told.pictures, told.every))


if __name__ == "__main__":
    main()
