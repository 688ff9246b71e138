"""Papers, charts and pages that stand alone: as another program reads them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import sync_playwright

from tideng.documents import pdf
from tideng.documents.charts import BARS_MAX, Band, Bar, Line, bars, lines, sums
from tideng.documents.standalone import page

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_text_of_people_is_data_not_markup() -> None:
    import pypdfium2

    made = pdf.render("= 报告\n#data.said", {"said": "#panic() 注入[x] *粗*"}, at=AT, title="报告")
    read = pypdfium2.PdfDocument(made)[0].get_textpage().get_text_bounded()
    assert "#panic()" in read.replace(" ", "")
    assert "报告" in read


def test_the_same_paper_has_the_same_bytes() -> None:
    once, again = (pdf.render("#data.n", {"n": 7}, at=AT) for _ in range(2))
    assert once == again != pdf.render("#data.n", {"n": 8}, at=AT)


def test_a_paper_is_archival() -> None:
    assert b"pdfaid:part" in pdf.render("x", {}, at=AT)
    assert pdf.has_chinese_font()


def test_a_broken_template_says_so() -> None:
    with pytest.raises(pdf.PaperFailed, match="typst could not set"):
        pdf.render("#(", {}, at=AT)


names = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12
)


@given(st.lists(st.builds(Bar, names, st.floats(0, 1e9)), max_size=8), names)
def test_bars_are_well_formed_whatever_they_are_called(items: list[Bar], title: str) -> None:
    drawn = ElementTree.fromstring(bars(items, title=title))
    assert len(drawn.findall("{*}rect")) == len(items)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=30), names)
def test_lines_are_well_formed_and_inside(points: list[tuple[float, float]], name: str) -> None:
    drawn = ElementTree.fromstring(lines([Line(name, points)], title=name, marks=[(points[0][0], name)]))
    (line,) = drawn.findall("{*}polyline")
    for pair in (line.get("points") or "").split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= 720
        assert 0 <= y <= 300


@given(st.lists(st.builds(Bar, names, st.floats(-1e6, 1e6)), max_size=8), st.floats(-1e6, 1e6), names)
def test_sums_are_well_formed_and_inside(items: list[Bar], goal: float, name: str) -> None:
    root = ElementTree.fromstring(sums(items, goal=goal, goal_name=name, title=name))
    bars_drawn = root.findall("{*}rect")
    assert len(bars_drawn) == len(items)
    for bar in bars_drawn:
        assert (
            0 <= float(bar.get("x") or -1) <= float(bar.get("x") or -1) + float(bar.get("width") or -1) <= 722
        )


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="the limit is"):
        bars([Bar("x", 1)] * (BARS_MAX + 1), title="x")
    with pytest.raises(ValueError, match="finite"):
        bars([Bar("x", float("nan"))], title="x")
    with pytest.raises(ValueError, match="points"):
        lines([], title="x")


@pytest.mark.pages
def test_no_sum_is_made_of_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="all finite"):
        sums([Bar("a", float("nan"))], goal=1.0, goal_name="goal", title="t")


def test_a_page_stands_alone(tmp_path: Path) -> None:
    chart = lines([Line("今天", [(0, 1), (1, 4)])], title="通话", band=Band("平常", [(0, 0, 2), (1, 0, 2)]))
    body = f"<h1>报告 &amp; 图</h1>{chart}<h2>表</h2>" + bars(
        [Bar("手机号", 12), Bar("身份证", 3)], title="种类"
    )
    file = tmp_path / "report.html"
    file.write_text(page(title="报告", body=body), "utf-8")
    asked: list[str] = []
    said: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 390, "height": 800}, bypass_csp=True)
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(file.as_uri())
        found = Axe().run(tab)
        browser.close()
    assert found.violations_count == 0, found.generate_report()
    assert asked == [file.as_uri()]
    assert said == []


def test_the_policy_forbids_scripts() -> None:
    made = page(title="<x>", body="")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', made)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "script-src" not in policy[1]
    assert "<title>&lt;x&gt;</title>" in made
