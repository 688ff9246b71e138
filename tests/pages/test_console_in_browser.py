"""The console in a real Chromium: every page in both languages and widths, and what people do with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from pages.console import Console
from pages.visitor import NEEDED, WIDTHS, Visitor, assert_contrast, faults_of, faults_of_all, sync_api

pytestmark = NEEDED


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with Console(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture
def visit(browser: Any, console: Console) -> Iterator[Any]:
    opened: list[Visitor] = []

    def start(**options: Any) -> Visitor:
        opened.append(Visitor(browser, console.address, **options))
        return opened[-1]

    yield start
    for visitor in opened:
        visitor.context.close()


def places(console: Console) -> dict[str, str]:
    ids = console.ids
    return {
        "today": "/console",
        "messages": "/console/messages?paused=1",
        "messages-filtered": "/console/messages?state=held&customer=lvzhou&paused=1",
        "refused": f"/console/messages/{ids['refused']}",
        "delivered": f"/console/messages/{ids['delivered']}",
        "failed": f"/console/messages/{ids['failed']}",
        "erased": f"/console/messages/{ids['erased']}",
        "held": "/console/held",
        "held-one": f"/console/held/{ids['to_keep']}",
        "registry": "/console/registry",
        "templates": "/console/registry?kind=template",
        "customer": "/console/registry/customer/kexun",
        "settings": "/console/settings",
        "help": "/console/help",
        "not-found": "/console/nothing-here",
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
        problems.extend(faults_of(page, f"{name}-{language}-{width}", language))

    page.goto("/console")
    judge("sign-in")
    visitor.sign_in()
    problems += faults_of_all(visitor, places(console), f"{{}}-{language}-{width}", language)
    page.goto(f"/console/held/{console.ids['to_keep']}")
    page.check("#action-refuse")
    page.fill("#reason", "对方没有给出债务凭证")
    page.click("button.main")
    judge("check")
    assert problems == []
    assert visitor.complaints == []


def test_dark_mode_has_contrast_too(visit: Any, console: Console) -> None:
    visitor = visit(bypass_csp=True, color_scheme="dark").sign_in()
    assert_contrast(visitor, places(console), "{}-dark")


def decide(visitor: Visitor, console: Console, what: str, action: str, reason: str) -> None:
    visitor.page.goto(f"/console/held/{console.ids[what]}")
    visitor.page.check(f"#action-{action}")
    visitor.page.fill("#reason", reason)
    visitor.page.click("button.main")
    visitor.see(reason)
    visitor.page.click("button.main")


def test_release(visit: Any, console: Console) -> None:
    visitor = visit().sign_in("lan")
    decide(visitor, console, "to_release", "send", "委托书与债务凭证已核对")
    visitor.see("已放行")
    visitor.see("lan")
    visitor.page.locator("form[action$='/show'] button").click()
    visitor.see("委托书与债务凭证已核对")
    visitor.see("一致")
    assert visitor.complaints == []


def test_refuse(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    decide(visitor, console, "to_refuse", "refuse", "no proof of the debt")
    visitor.see("Refused: the message will not be sent")
    assert visitor.page.locator("h1 .tag").inner_text() == "refused"


def test_a_decision_needs_a_choice_and_a_reason(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    visitor.page.goto(f"/console/held/{console.ids['to_keep']}")
    visitor.page.click("button.main")
    visitor.see("Choose release or refuse")
    assert visitor.page.title().startswith("Error: ")
    visitor.page.check("#action-refuse")
    visitor.page.click("button.main")
    visitor.page.get_by_role("alert").get_by_text("Write a reason").click()
    assert visitor.page.evaluate("document.activeElement.id") == "reason"


def test_nobody_releases_their_own(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in("mei")
    visitor.page.goto(f"/console/held/{console.ids['mine']}")
    visitor.see("You submitted this message")
    assert visitor.page.locator("#action-send").is_disabled()
    # The page only advises; the second look decides. Send what the page would not.
    visitor.page.locator("#action-send").evaluate("it => { it.disabled = false; it.checked = true }")
    visitor.page.fill("#reason", "it is fine")
    visitor.page.click("button.main")
    visitor.page.click("button.main")
    visitor.see("You may not release what you submitted")


def test_who_comes_second_is_told_who_was_first(visit: Any, console: Console) -> None:
    late, first = visit(locale="en").sign_in("mei"), visit().sign_in("lan")
    late.page.goto(f"/console/held/{console.ids['to_race']}")
    late.page.check("#action-send")
    late.page.fill("#reason", "seen the mandate")
    late.page.click("button.main")
    decide(first, console, "to_race", "refuse", "没有凭证")
    first.see("已拒绝")
    late.page.click("button.main")
    late.see("lan decided first; it is now refused.")
    late.see("nothing was changed")


def test_number_and_text_are_hidden_until_shown_and_the_look_is_recorded(
    visit: Any, console: Console
) -> None:
    visitor = visit().sign_in("lan")
    visitor.page.goto(f"/console/messages/{console.ids['delivered']}")
    assert "13800000002" not in visitor.page.content()
    assert "提灯夜话" not in visitor.page.content()
    visitor.page.locator("form[action$='/show'] button").click()
    visitor.see("8613800000002")
    visitor.see("<b onmouseover=alert(1)>")  # as text: a message is never markup
    looks = [event for event in console.events if event.kind == "personal_shown"]
    assert (looks[-1].account, looks[-1].about) == ("lan", str(console.ids["delivered"]))


def test_operators_see_no_personal_data_and_decide_nothing(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in("ops")
    for path in (
        "/console/messages?paused=1",
        "/console/held",
        f"/console/messages/{console.ids['to_keep']}",
    ):
        visitor.page.goto(path)
        assert "27911" not in visitor.page.content()
        assert "138****" not in visitor.page.content()
        assert visitor.page.locator("form[action$='/show']").count() == 0
    answer = visitor.page.goto(f"/console/held/{console.ids['to_keep']}")
    assert answer is not None
    assert answer.status == 403


def test_a_form_with_a_wrong_token_changes_nothing(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    visitor.page.goto(f"/console/held/{console.ids['to_keep']}")
    visitor.page.locator("main input[name=form_token]").evaluate("it => { it.value = '0'.repeat(64) }")
    visitor.page.check("#action-refuse")
    visitor.page.fill("#reason", "forged")
    visitor.page.click("button.main")
    visitor.see("This form is no longer valid")
    visitor.page.goto(f"/console/messages/{console.ids['to_keep']}")
    assert visitor.page.locator("h1 .tag").inner_text() == "held"


def test_the_list_refreshes_itself_and_keeps_the_focus(visit: Any, console: Console) -> None:
    visitor = visit(locale="en").sign_in()
    visitor.page.goto("/console/messages")
    link = f"#a{console.ids['to_keep']}"
    visitor.page.focus(link)
    with visitor.page.expect_response("**/console/rows/messages*", timeout=10_000) as answer:
        pass
    assert answer.value.status == 200
    visitor.page.evaluate("document.querySelector('#rows').firstElementChild.remove()")
    first = visitor.page.locator(f"#m{max(console.ids.values())}")
    sync_api.expect(first).to_be_visible(timeout=10_000)
    assert visitor.page.evaluate("document.activeElement.id") == link[1:]
    visitor.page.get_by_role("link", name="Pause").click()
    assert visitor.page.locator("#rows").get_attribute("hx-get") is None
    assert visitor.complaints == []


def test_everything_works_without_scripts(visit: Any, console: Console) -> None:
    visitor = visit(java_script_enabled=False).sign_in("lan")
    visitor.page.goto("/console/messages")
    visitor.page.select_option("#state", "held")
    visitor.page.locator("form.filter button").click()
    assert "state=held" in visitor.page.url
    visitor.page.get_by_role("link", name="重新载入").click()
    decide(visitor, console, "without_scripts", "refuse", "没有凭证")
    visitor.see("已拒绝")
    visitor.page.get_by_role("button", name="退出登录").click()
    visitor.see("账号")
    visitor.page.goto("/console")
    assert "/sign-in" in visitor.page.url


def test_a_wrong_password_says_only_that(visit: Any) -> None:
    visitor = visit(locale="en")
    visitor.sign_in("lan", "not the password")
    visitor.see("Account or password is not right")
    assert "/sign-in" in visitor.page.url
