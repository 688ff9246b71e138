"""Who looks at pages in a real Chromium, and what is wrong with a page."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pages.house import PASSWORD

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = shutil.which("chromium")
NEEDED = [
    pytest.mark.pages,
    pytest.mark.skipif(CHROMIUM is None, reason="no program named chromium on the PATH"),
]
ARGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
PICTURES = os.environ.get("PAGES_PICTURES", "")
"""A folder; when set, every page is also kept there as a picture to look at."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Visitor:
    """One browser context and everything it must not do: script errors, foreign requests."""

    def __init__(self, browser: Any, address: str, *, home: str = "/console", **options: Any) -> None:
        options = {"locale": "zh-CN", "viewport": {"width": 1280, "height": 900}, **options}
        self.context = browser.new_context(base_url=address, **options)
        self.home = home
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url, address))

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, url: str, origin: str) -> None:
        if not url.startswith((f"{origin}/", "data:")):
            self.complaints.append(f"foreign request: {url}")

    def sign_in(self, name: str = "mei", password: str = PASSWORD) -> "Visitor":
        self.page.goto(self.home)
        self.page.fill("#name", name)
        self.page.fill("#password", password)
        self.page.click("button.main")
        return self

    def see(self, text: str) -> None:
        sync_api.expect(self.page.locator("main")).to_contain_text(text)

    def count(self, selector: str, wanted: int) -> None:
        """Waits, as a click returns before the page it asked for is there."""
        sync_api.expect(self.page.locator(selector)).to_have_count(wanted)


def faults_of_all(visitor: Visitor, places: dict[str, str], called: str, language: str) -> list[str]:
    """What is wrong with the pages at these paths; what folds is unfolded. `called`: a name with a gap."""
    faults: list[str] = []
    for name, path in places.items():
        before = len(visitor.complaints)
        visitor.page.goto(path)
        if name == "not-found":
            del visitor.complaints[before:]  # Chromium reports the page's own status 404
        for folded in visitor.page.locator("details").all():
            folded.evaluate("it => { it.open = true }")
        faults += faults_of(visitor.page, called.format(name), language)
    return faults


def assert_contrast(visitor: Visitor, places: dict[str, str], called: str) -> None:
    """Nothing at these paths is too pale to read."""
    for name, path in places.items():
        visitor.page.goto(path)
        if PICTURES:
            picture = Path(PICTURES) / f"{called.format(name)}.png"
            visitor.page.screenshot(path=str(picture), full_page=True)
        found = axe_api.Axe().run(visitor.page, options={"runOnly": ["color-contrast"]})
        assert [violation["id"] for violation in found.response["violations"]] == [], name


def faults_of(page: Any, name: str, language: str) -> list[str]:
    """What axe (WCAG 2.2 AA and best practice) finds, and whether the page is wider than the screen."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    assert page.locator("html").get_attribute("lang") == language
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    faults = [f"{name}: {overflow} px wider than the screen"] if overflow > 0 else []
    found = axe_api.Axe().run(page, options={"runOnly": RULES})
    for violation in found.response["violations"]:
        nodes = [node["html"][:160] for node in violation["nodes"][:3]]
        faults.append(f"{name}: {violation['id']}: {nodes}")
    return faults
