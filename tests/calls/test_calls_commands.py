"""The commands from a folder of files to a case, its picture, its paper and what the visit found."""

import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pypdfium2
import pytest
from typer.testing import CliRunner, Result

from tideng.calls.announcing import WebhookAnnouncer
from tideng.calls.worlds.export import as_calls, write
from tideng.calls.worlds.making import make
from tideng.cli.main import app


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--data", str(data), "calls", *words])


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two CSV files of a small town with busy boxes, and one file that is none."""
    folder = tmp_path_factory.mktemp("spool")
    calls, _ = as_calls(make("held", 21, lines=250, days=10, boxes=8, quiet_days=6))
    rows = [
        f"{a},{b},{s},{r},{t},{str(bool(ok)).lower()}"
        for a, b, s, r, t, ok in zip(
            calls.caller, calls.callee, calls.start, calls.ring_s, calls.talk_s, calls.answered, strict=True
        )
    ]
    half = len(rows) // 2
    for name, part in (("a.csv", rows[:half]), ("b.csv", [*rows[half:], "8621,,1772431200,1,1,true"])):
        (folder / name).write_text("\n".join(["caller,callee,start,ring_s,duration_s,answered", *part]))
    (folder / "readme.txt").write_text("nothing\n")
    return folder


@pytest.fixture(scope="module")
def watched(spool: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    data = tmp_path_factory.mktemp("data") / "tideng"
    done = run(data, "watch", str(spool), "--once", "--json")
    assert done.exit_code == 0, done.output
    assert "readme.txt" in done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert cases
    assert all("opening" not in case for case in cases)
    again = run(data, "watch", str(spool), "--once", "--json")
    assert (again.exit_code, again.stdout) == (0, "")
    return data, cases


class _Receiver(BaseHTTPRequestHandler):
    """Takes nothing the first time it is asked, then everything."""

    seen: ClassVar[list[tuple[bytes, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((body, self.headers["Tideng-Signature"]))
        self.send_response(500 if len(self.seen) == 1 else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_new_cases_are_told_signed_and_told_again_until_taken(spool: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"0123456789abcdef")
    _Receiver.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/cases"
        words = ("watch", str(spool), "--once", "--json", "--webhook", url, "--webhook-secret", str(secret))
        done = run(tmp_path / "data", *words)
        server.shutdown()
    assert done.exit_code == 0, done.output
    cases = {json.loads(line)["id"] for line in done.stdout.splitlines()}
    assert cases
    assert {json.loads(body)["id"] for body, _ in _Receiver.seen} == cases
    for body, seal in _Receiver.seen:
        assert seal == "sha256=" + hmac.digest(secret.read_bytes(), body, "sha256").hex()
        assert "opening" not in json.loads(body)
    # The one that was not taken waits on disk for the next run.
    teller = WebhookAnnouncer(tmp_path / "data" / "calls" / "told.db", b"0123456789abcdef", lambda: 2**40)
    assert teller.waiting() == 1
    assert teller.deliver(lambda _body, _headers: 200) == 1
    teller.shut()
    for wrong in (("--webhook", "http://example.org/"), ("--webhook", url)):
        assert run(tmp_path / "other", "watch", str(spool), "--once", *wrong).exit_code == 2


def test_cases_are_listed_and_their_alarms_lie_in_the_ledger(
    watched: tuple[Path, list[dict[str, object]]],
) -> None:
    data, cases = watched
    listed = json.loads(run(data, "visits", "--json").stdout)
    assert {case["id"] for case in listed} == {case["id"] for case in cases}
    shown = CliRunner().invoke(app, ["--data", str(data), "ledger", "show", "--count", "1000", "--json"])
    kinds = [entry["entry"]["kind"] for entry in json.loads(shown.stdout)["entries"]]
    assert kinds.count("call_alarm/1") == len(cases)
    assert CliRunner().invoke(app, ["--data", str(data), "ledger", "verify"]).exit_code == 0


def test_one_line_is_drawn_and_its_paper_written(
    watched: tuple[Path, list[dict[str, object]]], spool: Path, tmp_path: Path
) -> None:
    data, _ = watched
    files = [word for name in ("a.csv", "b.csv") for word in ("--from", str(spool / name))]
    detected = run(data, "detect", str(spool / "a.csv"), str(spool / "b.csv"), "--json")
    line = json.loads(detected.stdout.splitlines()[0])["line"]
    html, pdf = tmp_path / "line.html", tmp_path / "visit.pdf"
    done = run(data, "why", line, *files, "--html", str(html), "--pdf", str(pdf), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["highest"] >= told["threshold"]
    assert html.read_text().count("<svg") == 4
    assert line in pypdfium2.PdfDocument(pdf.read_bytes())[0].get_textpage().get_text_bounded()
    assert run(data, "why", "02100000000", *files).exit_code == 2
    by_store = run(data, "why", line, "--json")
    assert json.loads(by_store.stdout)["calls"] == told["calls"]


def test_feedback_closes_the_case_and_is_recorded(watched: tuple[Path, list[dict[str, object]]]) -> None:
    data, cases = watched
    id = str(cases[0]["id"])
    assert run(data, "feedback", id[:20], "--confirmed", "--by", "officer").exit_code == 0
    listed = {case["id"]: case for case in json.loads(run(data, "visits", "--json").stdout)}
    assert listed[id]["state"] == "confirmed"
    assert run(data, "feedback", "no such case", "--confirmed").exit_code == 2


def test_import_says_what_it_did_and_what_it_could_not(spool: Path, tmp_path: Path) -> None:
    done = run(tmp_path / "d", "import", str(spool / "b.csv"), str(spool / "readme.txt"), "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["files"][0]["refused"] == {"missing_callee": 1}
    assert "name its --format" in told["failed"][0]["problem"]
    again = json.loads(run(tmp_path / "d", "import", str(spool / "b.csv"), "--json").stdout)
    assert again["files"][0]["already"]
    assert run(tmp_path / "d", "import", str(spool / "b.csv"), "--format", "morse").exit_code == 2


def test_simulate_writes_files_and_their_truth(tmp_path: Path) -> None:
    words = [
        "simulate",
        "calls",
        str(tmp_path / "town"),
        "--lines",
        "60",
        "--days",
        "5",
        "--boxes",
        "2",
        "--quiet-days",
        "2",
    ]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    [name] = json.loads(done.stdout)["files"]
    truth = json.loads(Path(name).with_suffix(".truth.json").read_text())
    assert truth["lines"] == 60
    assert run(tmp_path / "d", "detect", name, "--json").exit_code == 0


@pytest.mark.filterwarnings("ignore::Warning")  # Ibis uses what pandas will drop
def test_features_are_written_in_parts_and_searched_for_patterns(tmp_path: Path) -> None:
    path = tmp_path / "calls.parquet"
    write(make("dev", 9, lines=150, days=5, boxes=0, quiet_days=2), path)
    first = run(tmp_path, "features", str(path), "--out", str(tmp_path / "a"), "--json")
    assert first.exit_code == 0, (first.output, first.exception)
    whole = json.loads(first.stdout)
    parts = json.loads(
        run(tmp_path, "features", str(path), "--out", str(tmp_path / "b"), "--parts", "3", "--json").stdout
    )
    assert whole["line_days"] == parts["line_days"] > 500
    found = [
        json.loads(line)
        for line in run(tmp_path, "patterns", str(tmp_path / "a"), "--json").stdout.splitlines()
    ]
    assert {one["pattern"] for one in found} <= {"one_ring", "bulk_calling", "sim_box"}
    assert run(tmp_path, "patterns", str(tmp_path)).exit_code == 2
    assert (
        run(tmp_path, "features", str(path), "--out", str(tmp_path / "c"), "--engine", "abacus").exit_code
        == 2
    )
