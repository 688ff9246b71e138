"""Photographs of a visit in a real Chromium: attached and downloaded without scripts, in both languages."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calls.desk import Desk, open_desk
from calls.pictures import JPEG, png
from pages.visitor import NEEDED, WIDTHS, Visitor, assert_contrast, faults_of

pytestmark = NEEDED

WORDS = {
    "en": ("Attach", "wiring", "The photograph is attached", "send the photograph as JPEG", "Show"),
    "zh-CN": ("添加照片", "接线", "照片已归入本次核查", "请以 JPEG 格式上传", "查看"),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("data") / "tideng") as opened:
        yield opened


@pytest.fixture
def visit(browser: Any, desk: Desk) -> Iterator[Any]:
    opened: list[Visitor] = []

    def start(**options: Any) -> Visitor:
        opened.append(Visitor(browser, desk.address, home="/calls", **options))
        return opened[-1]

    yield start
    for visitor in opened:
        visitor.context.close()


def choose(visitor: Visitor, octets: bytes, name: str, button: str) -> None:
    """As from a telephone: what a file is called says nothing about what is in it."""
    visitor.page.set_input_files("#photo", {"name": name, "mimeType": "image/jpeg", "buffer": octets})
    visitor.page.select_option("#what", "wiring")
    visitor.page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.parametrize("language", WORDS)
def test_a_photograph_is_attached_and_downloaded_without_scripts(
    visit: Any, desk: Desk, language: str
) -> None:
    attach, wiring, attached, no_picture, show = WORDS[language]
    case = next(desk.fresh)
    visitor = visit(locale=language, java_script_enabled=False).sign_in()
    visitor.page.goto(f"/calls/cases/{case}")
    choose(visitor, b"a text", "IMG_2.jpg", attach)
    visitor.see(no_picture)
    assert visitor.page.input_value("#what") == "wiring"
    choose(visitor, png(5), "接线.jpg", attach)
    visitor.see(attached)
    visitor.see(wiring)
    assert visitor.page.url.endswith(f"/calls/cases/{case}?done=photo_new")
    [entry] = desk.entries("call_photo/1", alarm=case)
    assert entry["photo"] == hashlib.sha256(png(5)).hexdigest()
    with visitor.page.expect_download() as saved:
        visitor.page.get_by_role("button", name=show).last.click()
    assert saved.value.suggested_filename == f"photo-{entry['photo'][:12]}.png"
    assert Path(saved.value.path()).read_bytes() == png(5)
    assert len(desk.entries("console/1", did="personal_shown", about=case)) == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", WORDS)
def test_the_section_is_accessible_empty_filled_and_refused(
    visit: Any, desk: Desk, language: str, width: str
) -> None:
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    attach = WORDS[language][0]
    visitor = visit(bypass_csp=True, locale=language, viewport=size).sign_in()
    page, case, faults = visitor.page, next(desk.fresh), list[str]()

    def judge(name: str) -> None:
        faults.extend(faults_of(page, f"calls-photos-{name}-{language}-{width}", language))

    page.goto(f"/calls/cases/{case}")
    judge("none")
    for octets in (JPEG, png(1)):
        choose(visitor, octets, "a.jpg", attach)
        visitor.see(hashlib.sha256(octets).hexdigest()[:12])
    judge("some")
    assert visitor.complaints == []
    choose(visitor, b"a text", "a.jpg", attach)
    visitor.see(WORDS[language][3])
    judge("refused")
    page.get_by_role("alert").get_by_role("link").click()
    assert page.evaluate("document.activeElement.id") == "photo"
    assert faults == []


def test_dark_mode_has_contrast_too(visit: Any, desk: Desk) -> None:
    case = next(desk.fresh)
    visitor = visit(bypass_csp=True, color_scheme="dark", locale="en").sign_in()
    visitor.page.goto(f"/calls/cases/{case}")
    choose(visitor, JPEG, "a.jpg", "Attach")
    assert_contrast(visitor, {"case": f"/calls/cases/{case}"}, "calls-photos-{}-dark")
