"""A person at a browser: Debian's chromium, driven by Playwright."""

import shutil
from typing import Any

from tests.admin.office import ANNA, Office

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"wide": (1280, 900), "narrow": (380, 800)}


class Reader:
    """A person at a browser. `problems`: errors that the browser reported."""

    def __init__(self, page: Any, here: Office) -> None:
        self.page = page
        self.here = here
        self.problems: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda line: self.problems.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url))

    async def go(self, path: str) -> None:
        await self.page.goto(self.here.url + path.format(**self.here.ids))

    async def login(self, token: str = ANNA) -> None:
        await self.go("/login")
        await self.page.fill("#token", token)
        await self.page.keyboard.press("Enter")
        await self.page.wait_for_selector("nav.menu")

    async def text(self) -> str:
        return str(await self.page.inner_text("body"))

    async def sure(self) -> None:
        await self.page.click("dialog[open] >> text=Yes, do it")

    async def sees(self, text: str) -> None:
        await self.page.wait_for_selector(f"text={text}", timeout=15_000)


async def opened(browser: Any, here: Office, size: str = "wide", **more: Any) -> Reader:
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, timezone_id="Europe/Oslo", locale="en-GB", **more
    )
    return Reader(await context.new_page(), here)
