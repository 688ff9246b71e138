"""Records, persons, resuming, commands: the pile's exact truth comes out, however often it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scan.piles import DAY, scanned
from tideng.cli.main import app
from tideng.scan.batch import How
from tideng.scan.corpus import Maker, laptop, mixed, spreadsheets, table_bytes
from tideng.scan.run import OutUnsafe, check_out

cli = CliRunner()


def test_the_laptop_gives_its_exact_truth(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    truth = laptop(tmp_path / "in", seed=3)
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert outcome.persons.persons == truth.persons
    assert outcome.persons.with_id == truth.resident_ids
    assert outcome.records == truth.records
    assert outcome.persons.distinct["mobile"] == truth.mobiles
    assert (outcome.bytes_total, outcome.bytes_unread) == (truth.bytes, truth.unread)
    assert sum(new for _, _, new in outcome.persons.new_by_file) == truth.persons


def test_people_are_joined_by_shared_keys_and_ids_never_are(tmp_path: Path) -> None:
    a, b, c = (Maker(seed).person() for seed in (1, 2, 3))
    (tmp_path / "in").mkdir()
    lines = [
        f"{a.id} {a.mobile}",
        f"{a.mobile} {a.card}",  # the second is a's by the mobile
        f"{b.mobile} {b.card}",
        f"{b.card} x@example.com",  # two lines, one unknown person
        f"{c.id} {a.mobile}",  # a's mobile with another ID: a conflict, and still two people
    ]
    (tmp_path / "in" / "a.txt").write_text("\n".join(lines))
    persons = scanned(tmp_path / "in", tmp_path / "out").persons
    assert (persons.with_id, persons.without_id, persons.conflicts) == (2, 1, 1)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_card_that_passes_for_an_id_is_a_card_in_the_column_of_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_compiled: bool
) -> None:
    # The one person too many of a run of 681,000 rows: a card of 18 digits with a region, a date and both
    # check digits right.
    from tideng.identifiers.bank_card import issuer, luhn
    from tideng.identifiers.resident_id import check_character, is_resident_id
    from tideng.identifiers.tables import region_periods
    from tideng.scan.analyse import Layout, analyse
    from tideng.scan.kernels.compiled import Mode
    from tideng.scan.readers.blocks import Block

    monkeypatch.setattr(Mode, "compiles", is_compiled)
    regions = [code for code in region_periods() if code.startswith("62")]
    first = (f"{code}{year}0101{n:03}" for code in regions for year in (1960, 1980) for n in range(1000))
    numbers = (number for f in first if (number := f + check_character(f)).isdecimal())
    both = next(n for n in numbers if luhn(n) and issuer(n) and is_resident_id(n))
    people = [Maker(seed).person() for seed in range(30)]
    rows = [list(person.row) for person in people]
    rows[7][3] = both
    rows[8][1] = both
    text = "\n".join(",".join(row) for row in [["姓名", "身份证号", "手机号", "银行卡号", "地址"], *rows])
    found = analyse(Block(text.encode("gb18030"), "gb18030"), Layout())
    assert found.keys[7, 0] == int(people[7].id[:17])
    assert found.keys[7, 3] == found.keys[8, 0] == int(both[:17])
    assert len(found.lines) == 30


def test_children_are_counted_on_the_day(tmp_path: Path) -> None:
    from tideng.identifiers.resident_id import check_character

    (tmp_path / "in").mkdir()
    numbers = ["11010120121125123", "11010120121126123"]  # 14 today, and tomorrow
    (tmp_path / "in" / "a.txt").write_text("\n".join(n + check_character(n) for n in numbers))
    assert scanned(tmp_path / "in", tmp_path / "out").persons.children == 1


def test_headings_make_the_legal_class(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rows = "".join(f"{p.name},{p.mobile},高血压\n" for p in (Maker(s).person() for s in range(30)))
    (tmp_path / "in" / "a.csv").write_text("姓名,手机,诊断\n" + rows)
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert outcome.persons.by_class_low == {4: 30}
    assert outcome.labels == ["health"]


def test_rows_without_numbers_are_people_by_name_and_birth(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rows = "".join(f"{p.name},19{50 + n}-01-02\n" for n, p in enumerate(Maker(s).person() for s in range(30)))
    (tmp_path / "in" / "a.csv").write_text("姓名,出生日期\n" + rows + rows)
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert (outcome.records, outcome.persons.persons) == (60, 30)


def test_a_second_run_takes_everything_over(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    laptop(tmp_path / "in", seed=3)
    first = scanned(tmp_path / "in", tmp_path / "out")
    second = scanned(tmp_path / "in", tmp_path / "out")
    assert second.batches_taken_up == second.batches > 0
    assert (second.persons, second.counts) == (first.persons, first.counts)
    (tmp_path / "in" / "more.csv").write_bytes(table_bytes([Maker(99).person()], "gbk"))
    assert scanned(tmp_path / "in", tmp_path / "out").persons.persons == first.persons.persons + 1


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_ranges_of_a_long_text_count_once(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tideng.scan.plan.RANGE_BYTES", 15_000)
    monkeypatch.setattr("tideng.scan.run.RANGE_BYTES", 15_000)
    (tmp_path / "in").mkdir()
    people = [Maker(seed).person() for seed in range(3_000, 3_100)]
    (tmp_path / "in" / "a.csv").write_bytes(table_bytes(people * 8, encoding))
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert (outcome.records, outcome.persons.persons) == (800, 100)
    assert outcome.counts["name"] == 800


def test_killed_and_taken_up_counts_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    truth = spreadsheets(tmp_path / "in", seed=1, files=300, rows=2)
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "tideng",
        "scan",
        str(tmp_path / "in"),
        "--out",
        str(out),
        "--json",
        "--no-hashes",
        "--day",
        DAY,
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while (
        not list((out / "records").glob("*.parquet"))
        and running.poll() is None
        and time.monotonic() < deadline
    ):
        os.sched_yield()
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = subprocess.run(command, capture_output=True, check=True)
    found = json.loads(done.stdout)
    assert (found["persons"], found["records"]) == (truth.persons, truth.records)
    assert found["bytes_read"] == truth.bytes


def test_the_command_says_it_in_json(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    truth = laptop(tmp_path / "in", seed=4)
    result = cli.invoke(app, ["scan", str(tmp_path / "in"), "--json", "--fail-over", "10", "--day", DAY])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["persons"] == truth.persons
    assert found["bytes_read"] + found["bytes_unread"] == found["bytes_total"] == truth.bytes
    assert found["counts"]["resident_id"] >= truth.resident_ids
    assert found["tiers"]["band_low"] in ("below", "serious", "especially_serious")
    assert cli.invoke(app, ["scan", str(tmp_path / "in"), "--json", "--fail-over", "100000"]).exit_code == 0
    assert cli.invoke(app, ["scan", str(tmp_path / "nothing")]).exit_code == 2


def test_spans_by_command(tmp_path: Path) -> None:
    lines = '{"id":"a","text":"电话138-0013-8000"}\nnot json\n{"id":7,"text":""}\n'
    result = cli.invoke(app, ["scan", "spans", "-"], input=lines)
    a, bad, empty = (json.loads(line) for line in result.stdout.splitlines())
    assert a == {
        "id": "a",
        "spans": [{"start": 2, "end": 15, "kind": "mobile", "value": "138-0013-8000", "confidence": 0.99}],
    }
    assert "line 2" in bad["error"]
    assert empty == {"id": 7, "spans": []}


def test_explain_masks_unless_it_is_logged(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    person = Maker(8).person()
    text = f"备注\n联系{person.name}，身份证{person.id}\n".encode("gb18030")
    (tmp_path / "in" / "a.txt").write_bytes(text)
    place = f"{tmp_path / 'in' / 'a.txt'}:{text.index(person.id.encode()) + 3}"
    shown = cli.invoke(app, ["scan", "explain", place, "--json"])
    assert person.id not in shown.stdout
    assert next(s for s in json.loads(shown.stdout)["spans"] if s["is_at_offset"])["kind"] == "resident_id"
    assert cli.invoke(app, ["scan", "explain", place, "--unmask", "court asks"]).exit_code == 2
    out = tmp_path / "out"
    assert cli.invoke(app, ["scan", str(tmp_path / "in"), "--out", str(out)]).exit_code == 0
    clear = cli.invoke(app, ["scan", "explain", place, "--unmask", "court asks", "--out", str(out), "--json"])
    assert person.id in clear.stdout
    assert "unmasked/1" in cli.invoke(app, ["scan", "custody", str(out), "--json"]).stdout


def test_evidence_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    laptop(tmp_path / "in", seed=3)
    before = {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in (tmp_path / "in").rglob("*")
        if path.is_file()
    }
    for path in [*(tmp_path / "in").rglob("*"), tmp_path / "in"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    scanned(tmp_path / "in", tmp_path / "out")
    assert before == {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in (tmp_path / "in").rglob("*")
        if path.is_file()
    }
    with pytest.raises(OutUnsafe, match="evidence"):
        check_out(tmp_path / "in" / "out", [tmp_path / "in"])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").touch()
    with pytest.raises(OutUnsafe, match="no scan"):
        check_out(tmp_path / "other", [tmp_path / "in"])


def test_checksummed_kinds_are_exact_beside_decoys(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    truth = mixed(tmp_path / "in" / "a.csv", seed=2, size=400_000)
    outcome = scanned(tmp_path / "in", tmp_path / "out", how=How(hashes=False))
    assert outcome.counts["resident_id"] == truth.records
    assert outcome.persons.with_id == truth.resident_ids
    assert outcome.persons.distinct["mobile"] == truth.mobiles
