"""A bundle holds, byte for byte; two verifiers that share no code agree on every way to spoil one."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence.bundle_corpus import STEPS, Case, Item, flipped, good, lies, resealed, reshaped, unpack
from evidence.case_rig import LI, WANG, issue, make_case, opened, settings
from tideng.assembly.evidence import environment_record
from tideng.evidence.bundle import content_hash
from tideng.evidence.issuing import NothingToShow, Request
from tideng.evidence.one_file import one_file
from tideng.evidence.verifier.steps import ABSENT, FAILED, OK, Report, verify
from tideng.settings import Loaded

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no program named openssl")
PAGE = Path(__file__).parents[2] / "src" / "tideng" / "evidence" / "verify.html"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("case"))


def failing(report: Report) -> str:
    return next((STEPS[i] for i, status in enumerate(report.statuses) if status == FAILED), "")


def check(item: Item) -> Report:
    report = verify(item.content)
    if item.fails_at is not None:
        assert (item.name, failing(report)) == (item.name, item.fails_at)
        assert report.is_verified is not bool(item.fails_at)
    return report


def test_everything_a_bundle_can_show(case: Case) -> None:
    report = verify(case.content)
    assert report.statuses == [OK] * 10
    files = case.files
    assert {"README.zh.txt", "timeline.html", "policy.txt", "custody.csv", "MANIFEST"} <= set(files)
    assert "环" not in files["README.en.txt"].decode()
    assert "content" in json.loads(files[f"entries/{json.loads(files['case.json'])['export']:012d}.json"])
    page = files["timeline.html"].decode()
    assert all(f'<td class="number">{e["index"]}</td>' in page
               for e in json.loads(files["case.json"])["entries"] if e["role"] != "index")  # fmt: skip
    assert "27911" in page  # the text that was disclosed


def test_good_bundles_hold(case: Case) -> None:
    for item in good(case):
        check(item)


def test_lies_are_met_by_their_step(case: Case) -> None:
    for item in [*lies(case), *reshaped(case)]:
        check(item)


def test_what_was_not_asked_for_stays_closed(case: Case) -> None:
    closed = b"".join(unpack(case.issue(messages=(case.told.sent,), fields=())).values())
    assert WANG.encode() not in closed
    assert "您预约的图书".encode() not in closed
    text_only = unpack(case.issue(messages=(case.told.refused,), fields=("text",)))
    assert WANG.encode() not in b"".join(text_only.values())
    assert LI.encode() not in b"".join(case.files.values())


def test_same_material_same_bytes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from tideng.evidence import issuing

    made: list[Any] = []
    build = issuing.build

    def keep(material: Any, key: Any) -> bytes:
        made.append((material, build(material, key)))
        return made[-1][1]

    monkeypatch.setattr(issuing, "build", keep)
    content = case.issue(number=WANG)
    [(material, first)] = made
    assert build(material, case.key) == first == content


def test_each_hand_over_is_on_the_custody_list(tmp_path: Path) -> None:
    make_case(tmp_path)
    first, second = (issue(tmp_path, number=WANG, case="7") for _ in range(2))
    issue(tmp_path, number=LI, case="8")
    lines = unpack(second.content)["custody.csv"].decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ["index", str(first.export), str(second.export)]


def test_windows(tmp_path: Path) -> None:
    """A window whose end the index has passed is closed; one that reaches into the present stays open."""
    make_case(tmp_path)
    past = json.loads(unpack(issue(tmp_path, number=WANG, start=5, stop=6).content)["completeness.json"])
    assert past["stop"] == 6 or len(past["intervals"]) == 1
    with opened(tmp_path) as (store, issuer):
        record = environment_record(store, Loaded(settings(tmp_path), {}))
        issuer.issue(Request(number=LI, case="a", by="b", purpose="c"), record)
        asked = Request(number=WANG, start=5, stop=6, case="a", by="b", purpose="c")
        closed = issuer.issue(asked, record)
    proof = json.loads(unpack(closed.content)["completeness.json"])
    assert proof["stop"] == 6
    assert verify(closed.content).is_verified
    later = issue(tmp_path, number=WANG, start=2**52)
    assert json.loads(unpack(later.content)["completeness.json"])["stop"] is None
    assert verify(later.content).is_verified, verify(later.content).says
    with pytest.raises(NothingToShow, match="no message 17"):
        issue(tmp_path, messages=(17,))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.slow)])
def test_every_single_byte_counts(tmp_path: Path, step: int) -> None:
    """The smallest bundle, each of its bytes changed in turn: never verified again."""
    make_case(tmp_path, others=0)
    content = issue(tmp_path, number="8613012345678").content
    assert verify(content).is_verified
    for at in range(0, len(content), step):
        spoilt = bytearray(content)
        spoilt[at] ^= 1 << (at % 8)
        assert not verify(bytes(spoilt)).is_verified, at


def test_keys_from_elsewhere_are_asked_first(case: Case, tmp_path: Path) -> None:
    good_policy = case.files["policy.txt"]
    report = verify(case.content, good_policy)
    assert (report.is_verified, report.trusted) == (True, "given")
    make_case(tmp_path)
    forged = unpack(issue(tmp_path, number=WANG).content)
    assert verify(case.sealed(forged), good_policy).is_verified is False
    assert failing(verify(issue(tmp_path, number=WANG).content, good_policy)) == "manifest"


# The other ways to verify


def test_the_stand_alone_file_needs_nothing(case: Case, tmp_path: Path) -> None:
    file, bundle = tmp_path / "tideng-verify.pyz", tmp_path / "case.zip"
    file.write_bytes(one_file())
    bundle.write_bytes(case.content)
    command = [sys.executable, "-I", "-S", str(file), str(bundle), "--json"]  # no site-packages at all
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["verified"] is True
    assert [step["number"] for step in told["steps"]] == [*range(1, 11)]
    bundle.write_bytes(case.content[:-1] + b"x")
    assert subprocess.run(command, capture_output=True, cwd=tmp_path, env={}).returncode == 1
    assert subprocess.run([*command[:-2], "missing"], capture_output=True, cwd=tmp_path).returncode == 2
    assert one_file() == file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        source = b"".join(archive.read(name) for name in archive.namelist())
    assert b"msgspec" not in source
    assert b"cryptography" not in source


def test_openssl_verifies_the_timestamp(case: Case, tmp_path: Path) -> None:
    """The command of docs/evidence/third-party.md."""
    for name, content in case.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    token = next(tmp_path.glob("timestamps/*.tsr"))
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-in", str(token), "-data", f"checkpoints/{token.stem}.txt",
         "-CAfile", "timestamps/roots.pem"], cwd=tmp_path, capture_output=True, text=True)  # fmt: skip
    assert "Verification: OK" in done.stdout + done.stderr


# In the browser

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no program named chromium on the PATH")


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """verify.html from the disk, with everything it complains about or asks for."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless=new", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(locale="zh-CN").new_page()
        page.noticed = []
        page.on("console", lambda message: page.noticed.append(message.text))
        page.on("pageerror", lambda error: page.noticed.append(str(error)))
        page.on("request", lambda request: page.noticed.append(request.url))
        page.goto(PAGE.as_uri())
        assert page.noticed.pop(0) == PAGE.as_uri()
        yield page
        browser.close()


ASK = """async text => {
  const octets = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const { verified, statuses, says } = await verifyBundle(octets);
  return { verified, statuses, says };
}"""


def in_page(page: Any, content: bytes) -> dict[str, Any]:
    return dict(page.evaluate(ASK, base64.b64encode(content).decode()))


@in_browser
@pytest.mark.pages
def test_two_verifiers_agree_on_every_bundle(case: Case, page: Any) -> None:
    items = [*good(case), *lies(case), *reshaped(case), *resealed(case), *flipped(case.content, 60)]
    assert len(items) >= 200
    for item in items:
        mine, theirs = check(item), in_page(page, item.content)
        told = (item.name, mine.says, theirs["says"])
        assert theirs["verified"] == mine.is_verified, told
        assert theirs["statuses"] == mine.statuses, told
        if "flipped" in item.name:
            assert not mine.is_verified, told
    assert page.noticed == []


@in_browser
@pytest.mark.pages
def test_a_judge_chooses_a_file(case: Case, page: Any, tmp_path: Path) -> None:
    (tmp_path / "case.zip").write_bytes(case.content)
    page.set_input_files("#file", str(tmp_path / "case.zip"))
    verdict = page.locator("#verdict.ok")
    sync_api.expect(verdict).to_contain_text("核验通过")
    sync_api.expect(verdict).to_contain_text("Verified")
    steps = page.locator("#steps li")
    assert steps.count() == 10
    assert "无遗漏" in steps.nth(8).inner_text()
    assert "27911" in page.locator("#shown").inner_text()
    (tmp_path / "bad.zip").write_bytes(case.content[:-30] + b"x" * 30)
    page.set_input_files("#file", str(tmp_path / "bad.zip"))
    sync_api.expect(page.locator("#verdict.failed")).to_contain_text("核验未通过")
    assert page.noticed == []


def test_the_page_allows_its_own_script_and_nothing_else() -> None:
    text = PAGE.read_text("utf-8")
    policy = text.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        [content] = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        named = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{named}'" in policy, "run python -m tools.verify_page"
    assert "unsafe" not in policy
    assert "http" not in policy


def test_steps_have_the_same_names_everywhere() -> None:
    from tideng.evidence.verifier.steps import STEPS as IN_CODE

    page = PAGE.read_text("utf-8")
    for name, english, chinese in IN_CODE:
        assert f'["{name}", "{chinese}", "{english}"]' in page
    assert [name for name, _, _ in IN_CODE] == STEPS
    assert content_hash({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert ABSENT == "absent"
