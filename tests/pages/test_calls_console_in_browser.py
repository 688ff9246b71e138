"""The calls console in a real Chromium, over cases that a real watch opened on a simulated town."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pypdfium2
import pytest
from typer.testing import CliRunner

from pages.house import PASSWORD
from pages.visitor import NEEDED, WIDTHS, Visitor, assert_contrast, faults_of, faults_of_all
from tideng.assembly import open_embedded
from tideng.calls.cases import SqliteVisits, Visit
from tideng.calls.reports import ReportStore
from tideng.calls.worlds.export import as_calls
from tideng.calls.worlds.making import make
from tideng.cli.calls_console import beside
from tideng.cli.main import app
from tideng.evidence.commitment import opens
from tideng.evidence.entries import decode_entry
from tideng.gateway.settings import HttpDoorSettings
from tideng.gateway.store.store import Store
from tideng.settings import Settings
from tideng.web.accounts import Accounts

pytestmark = NEEDED


LOSSES = """
currency = "CNY"
victim_share = {low = 0.001, high = 0.004, source = "a test", date = "2026-01"}
loss_per_victim = {low = 8000, high = 60000, source = "a test", date = "2026-01"}
"""


class Console:
    """A running console and what it stands on."""

    def __init__(self, store: Store, folder: Path, address: str) -> None:
        self.store, self.folder, self.address = store, folder, address

    def cases(self, state: str | None = "open") -> list[Visit]:
        visits = SqliteVisits(self.folder / "visits.db")
        try:
            return visits.all(state=state)
        finally:
            visits.shut()

    def entries(self, kind: str) -> list[dict[str, Any]]:
        ledger = self.store.ledger
        found = [decode_entry(ledger.leaf(index)) for index in range(ledger.size)]
        return [entry for entry in found if entry["kind"] == kind]


def drop_records(folder: Path) -> None:
    calls, _ = as_calls(make("held", 21, lines=250, days=10, boxes=8, quiet_days=6))
    rows = [
        f"{a},{b},{s},{r},{t},{str(bool(ok)).lower()}"
        for a, b, s, r, t, ok in zip(
            calls.caller, calls.callee, calls.start, calls.ring_s, calls.talk_s, calls.answered, strict=True
        )
    ]
    (folder / "town.csv").write_text("\n".join(["caller,callee,start,ring_s,duration_s,answered", *rows]))


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    spool, data = tmp_path_factory.mktemp("spool"), tmp_path_factory.mktemp("data") / "tideng"
    drop_records(spool)
    done = CliRunner().invoke(app, ["--data", str(data), "calls", "watch", str(spool), "--once", "--json"])
    assert done.exit_code == 0, done.output
    store = open_embedded(Settings(data=str(data)))
    accounts = Accounts(store.writer, now=store.now)
    accounts.add("mei", PASSWORD, ["reviewer"])
    accounts.add("lan", PASSWORD, ["reviewer"])
    accounts.add("ops", PASSWORD, ["operator"])
    folder = data / "calls"
    visits = SqliteVisits(folder / "visits.db")
    # As an operator who knows more would have it; and enough cases that one page does not hold them.
    first = visits.all()[0]
    for number in range(60):
        id = f"c0ffee{number:02d}" + "0" * 24
        visits.open(
            msgspec.structs.replace(
                first, id=id, line="8621555000", alarm_at=first.alarm_at - 86_400 * (number + 1), curve=()
            )
        )
    visits.shut()
    (folder / "losses.toml").write_text(LOSSES)
    try:
        with beside(store, folder, HttpDoorSettings(), "127.0.0.1:0") as (host, port):
            yield Console(store, folder, f"http://{host}:{port}")
    finally:
        store.close()


@pytest.fixture
def visit(browser: Any, console: Console) -> Iterator[Any]:
    opened: list[Visitor] = []

    def start(**options: Any) -> Visitor:
        opened.append(Visitor(browser, console.address, home="/calls", **options))
        return opened[-1]

    yield start
    for visitor in opened:
        visitor.context.close()


def places(console: Console) -> dict[str, str]:
    newest, oldest = console.cases(None)[0], console.cases(None)[-1]
    return {
        "alarms": "/calls",
        "alarms-filtered": "/calls?state=open&tier=suspend",
        "alarms-none": "/calls?state=visited",
        "case": f"/calls/cases/{newest.id}",
        "line": f"/calls/cases/{newest.id}/line",
        "line-gone": f"/calls/cases/{oldest.id}/line",
        "report": "/calls/report",
        "help": "/calls/help",
        "not-found": "/calls/cases/none",
    }


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_page_is_accessible_quiet_and_stays_at_home(
    visit: Any, console: Console, language: str, width: str
) -> None:
    """axe (WCAG 2.2 AA and best practice): nothing found. bypass_csp is for axe's own script only."""
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    visitor = visit(bypass_csp=True, locale=language, viewport=size)
    page, problems = visitor.page, []

    def judge(name: str) -> None:
        problems.extend(faults_of(page, f"calls-{name}-{language}-{width}", language))

    page.goto("/calls")
    judge("sign-in")
    visitor.sign_in()
    problems += faults_of_all(visitor, places(console), f"calls-{{}}-{language}-{width}", language)
    page.goto(f"/calls/cases/{console.cases()[0].id}")
    page.click("main button.main")
    judge("feedback")
    page.check("#verdict-confirmed")
    page.fill("#note", "客厅沙发后有一个盒子")
    page.click("main button.main")
    judge("check")
    assert problems == []
    assert visitor.complaints == []


def test_dark_mode_has_contrast_too(visit: Any, console: Console) -> None:
    visitor = visit(bypass_csp=True, color_scheme="dark").sign_in()
    assert_contrast(visitor, places(console), "calls-{}-dark")


def test_nobody_sees_anything_before_signing_in(visit: Any, console: Console) -> None:
    visitor = visit()
    for path in (*places(console).values(), "/calls/cases/x/paper"):
        visitor.page.goto(path)
        assert "/sign-in" in visitor.page.url or path.endswith("/paper")
        assert console.cases(None)[0].line not in visitor.page.content()


def test_the_list_filters_pages_and_masks(visit: Any, console: Console) -> None:
    visitor = visit(locale="en", java_script_enabled=False).sign_in()
    page = visitor.page
    every = console.cases(None)
    visitor.count("tbody tr", 50)
    page.get_by_role("link", name="Older").click()
    visitor.count("tbody tr", len(every) - 50)
    page.get_by_role("link", name="Newest").click()
    page.select_option("#tier", "suspend")
    page.locator("form.filter button").click()
    wanted = [one for one in every if one.tier == "suspend"]
    assert wanted
    visitor.count("tbody .tag.bad", min(50, len(wanted)))
    page.goto("/calls?state=nonsense&before=nonsense")
    visitor.count("tbody tr", 50)
    assert all(one.line not in page.content() for one in every)


def test_a_line_is_drawn_with_tables_that_say_the_same(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    case = next(one for one in console.cases(None) if len(one.curve) > 3)
    visitor.page.goto(f"/calls/cases/{case.id}")
    total = sum(weight for _, weight in case.reasons)
    assert total == pytest.approx(case.score, abs=0.3)
    visitor.count("svg.chart", 1)
    visitor.page.get_by_role("link", name="The line's picture").click()
    visitor.count("svg.chart", 4)
    curve = visitor.page.locator("table", has_text="Call ended").locator("tbody tr")
    assert curve.count() == len(case.curve) + 1
    assert curve.nth(len(case.curve) - 1).locator("td").text_content() == f"{case.curve[-1][1]:.2f}"
    assert case.curve[-1][1] == pytest.approx(case.score, abs=0.002)
    rows = visitor.page.locator("table", has_text="Day by day").locator("tbody tr")
    days = [int(text) for text in rows.locator("td:nth-of-type(1)").all_text_contents()]
    visitor.see(f"{sum(days):,} calls it placed")
    assert visitor.complaints == []


@pytest.mark.parametrize(("name", "shown"), [("mei", 3), ("ops", 2)])
def test_the_menu_holds_what_its_reader_may_open(visit: Any, name: str, shown: int) -> None:
    page = visit(locale="en").sign_in(name).page
    paths = [link.get_attribute("href") for link in page.locator("nav.menu a").all()]
    assert len(paths) == shown
    assert [page.goto(path).status for path in paths] == [200] * shown


def test_number_and_owner_are_hidden_until_shown_and_the_look_is_recorded(
    visit: Any, console: Console
) -> None:
    visitor = visit(locale="en").sign_in("lan")
    case = console.cases()[0]
    visitor.page.goto(f"/calls/cases/{case.id}")
    assert case.line not in visitor.page.content()
    visitor.page.get_by_role("button", name="Show number").click()
    visitor.see(case.line)
    with visitor.page.expect_download() as saved:
        visitor.page.get_by_role("button", name="Paper for the visit").click()
    text = pypdfium2.PdfDocument(saved.value.path().read_bytes())[0].get_textpage().get_text_bounded()
    assert case.line in text
    looks = [e for e in console.entries("console/1") if e["did"] == "personal_shown"]
    assert [(look["account"], look["about"]) for look in looks[-2:]] == [("lan", case.id)] * 2


def test_operators_see_no_numbers_and_decide_nothing(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in("ops")
    case = console.cases()[0]
    for path in ("/calls", f"/calls/cases/{case.id}", f"/calls/cases/{case.id}/line"):
        visitor.page.goto(path)
        assert "****" not in visitor.page.content(), path
        assert visitor.page.locator("main form[method=post]").count() == 0
    secret = next(c["value"] for c in visitor.context.cookies() if c["name"] == "tideng_session")
    assert secret
    for act in ("show", "paper", "check", "decide"):
        answer = visitor.context.request.post(f"/calls/cases/{case.id}/{act}", form={"form_token": "0" * 64})
        assert answer.status == 403, act


def feedback(visitor: Visitor, case: Visit, verdict: str, note: str) -> None:
    visitor.page.goto(f"/calls/cases/{case.id}")
    visitor.page.check(f"#verdict-{verdict}")
    visitor.page.fill("#note", note)
    visitor.page.click("main button.main")
    visitor.see(note)
    visitor.page.click("main button.main")


def test_what_a_visit_found_lands_in_ledger_and_case_without_scripts(visit: Any, console: Console) -> None:
    visitor = visit(locale="en", java_script_enabled=False).sign_in()
    case = console.cases()[0]
    feedback(visitor, case, "confirmed", "A box <b>behind</b> the sofa")
    visitor.see("Recorded: the visit confirmed the alarm.")
    kept = next(one for one in console.cases("confirmed") if one.id == case.id)
    assert (kept.by, kept.note) == ("mei", "A box <b>behind</b> the sofa")
    entry = console.entries("call_feedback/1")[-1]
    assert (entry["alarm"], entry["verdict"], entry["by"]) == (case.id, "confirmed", "mei")
    assert opens(entry["note"], bytes.fromhex(kept.opening), "note:" + kept.note)
    assert "sofa" not in json.dumps(entry)
    visitor.page.goto(f"/calls/cases/{case.id}")
    assert "sofa" not in visitor.page.content()
    visitor.page.get_by_role("button", name="Show number").click()
    visitor.see("A box <b>behind</b> the sofa")


def test_feedback_needs_a_verdict_and_takes_no_endless_note(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    visitor.page.goto(f"/calls/cases/{console.cases()[0].id}")
    visitor.page.click("main button.main")
    visitor.see("Choose confirmed or not confirmed")
    assert visitor.page.title().startswith("Error: ")
    visitor.page.check("#verdict-not")
    visitor.page.fill("#note", "x" * 2_001)
    visitor.page.click("main button.main")
    visitor.see("Write at most 2000 characters")
    visitor.page.fill("#note", "nothing there")
    visitor.page.click("main button.main")
    visitor.page.get_by_role("button", name="Change").click()
    assert visitor.page.input_value("#note") == "nothing there"


def test_who_comes_second_is_told_who_was_first(visit: Any, console: Console) -> None:
    late, first = visit(locale="en").sign_in("mei"), visit().sign_in("lan")
    case = console.cases()[0]
    late.page.goto(f"/calls/cases/{case.id}")
    late.page.check("#verdict-confirmed")
    late.page.click("main button.main")
    feedback(first, case, "not", "没有发现盒子")
    first.see("不属实")
    before = len(console.entries("call_feedback/1"))
    late.page.click("main button.main")
    late.see("lan said it meanwhile; the case is now: not confirmed.")
    assert len(console.entries("call_feedback/1")) == before
    # A mistake can still be put right, knowing what was said.
    late.page.goto(f"/calls/cases/{case.id}")
    late.page.get_by_text("Correct it").click()
    late.page.check("#verdict-confirmed")
    late.page.click("main button.main")
    late.page.click("main button.main")
    assert next(one for one in console.cases("confirmed") if one.id == case.id).by == "mei"


def test_a_form_with_a_wrong_token_changes_nothing(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    case = console.cases()[0]
    visitor.page.goto(f"/calls/cases/{case.id}")
    visitor.page.locator("form[action$='/check'] input[name=form_token]").evaluate(
        "it => { it.value = '0'.repeat(64) }"
    )
    visitor.page.check("#verdict-confirmed")
    visitor.page.click("main button.main")
    visitor.see("This form is no longer valid")
    assert case.id in {one.id for one in console.cases()}
    assert re.search(r"script-src 'self'", visitor.page.goto("/calls").headers["content-security-policy"])


def test_the_loss_avoided_is_an_interval_with_its_assumptions(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    row = visitor.page.locator("tbody tr").first
    assert re.search(r"[\d,]+ to [\d,]+ CNY", row.text_content())
    feedback(visitor, console.cases()[0], "confirmed", "a box")
    visitor.page.goto("/calls")
    visitor.see("By confirmed cases:")
    visitor.page.get_by_role("link", name="How this is reckoned").click()
    visitor.see("0.001–0.004")
    visitor.see("found the next day (Guangzhou) to after a week (Fuzhou)")


def test_without_sourced_figures_no_loss_is_shown(browser: Any, console: Console, tmp_path: Path) -> None:
    with beside(console.store, tmp_path, HttpDoorSettings(), "127.0.0.1:0") as (host, port):
        visitor = Visitor(browser, f"http://{host}:{port}", home="/calls", locale="en").sign_in()
        visitor.see("The expected loss avoided is not shown")
        assert visitor.page.locator("th", has_text="Loss avoided").count() == 0
        visitor.page.get_by_role("link", name="Which").click()
        visitor.count("text=Not given.", 2)
        visitor.context.close()


def test_a_report_is_recorded_once_and_kept_for_the_watch(visit: Any, console: Console) -> None:
    visitor = visit(locale="en", java_script_enabled=False).sign_in()
    for said in ("Recorded.", "You had recorded this report before"):
        visitor.page.get_by_role("link", name="Report", exact=True).click()
        visitor.page.fill("#line", "021 5550 1234")
        visitor.page.fill("#at", "2026-03-10T14:05")
        visitor.page.click("button.main")
        visitor.see(said)
    [entry] = console.entries("call_report/1")
    assert (entry["by"], entry["called_at"]) == ("mei", 1_773_122_700)
    reports = ReportStore(console.folder / "reports.db")
    [kept] = reports.after(0)
    reports.shut()
    assert kept.line == "862155501234"
    assert opens(entry["line"], bytes.fromhex(kept.opening), "line:862155501234")


def test_a_report_without_a_number_or_from_the_future_is_refused(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    visitor.page.goto("/calls/report")
    visitor.page.click("button.main")
    visitor.page.get_by_role("alert").get_by_text("Give the number").click()
    assert visitor.page.evaluate("document.activeElement.id") == "line"
    visitor.page.fill("#line", "02155501235")
    visitor.page.fill("#at", "2090-01-01T00:00")
    visitor.page.click("button.main")
    visitor.see("Give a past moment")
    assert visitor.page.input_value("#line") == "02155501235"
    assert visit().sign_in("ops").page.goto("/calls/report").status == 403
