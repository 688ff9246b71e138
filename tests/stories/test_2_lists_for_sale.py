"""Story 2, lists for sale: a seized laptop, how many people, what it means in law, a sample that was
planned first.
"""

import csv
import json
from pathlib import Path

from typer.testing import CliRunner

from tideng.cli.main import app
from tideng.scan.corpus import laptop
from tideng.scan.law import shipped_rules
from tideng.scan.law.arithmetic import load_rules, tiers
from tideng.scan.law.transfers import count_transfers
from tideng.scan.money import read_statement, sum_up

cli = CliRunner()


def tideng(*words: str) -> str:
    """Run a command as the examiner does; it must succeed."""
    result = cli.invoke(app, ["scan", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_appraisal_of_a_seized_laptop(tmp_path: Path) -> None:
    seized, case = tmp_path / "seized", tmp_path / "case"
    seized.mkdir()
    truth = laptop(seized, seed=2)

    # The officers want to know how many people, today. Archives in archives, GBK tables, chats, a database.
    found = json.loads(tideng(str(seized), "--out", str(case), "--json", "--income", "7200"))
    assert found["persons"] == truth.persons
    assert found["records"] == truth.records
    assert found["bytes_read"] + found["bytes_unread"] == truth.bytes

    # Duplicates were removed across files: the second list holds half of the first again.
    assert sum(new for _, _, new in found["new_persons_by_file"]) == truth.persons < truth.records

    # The bank flows: three buyers, the same price again and again. Income decides here, not the count.
    with (seized / "微信支付账单.csv").open(encoding="utf-8-sig", newline="") as file:
        money = sum_up(*read_statement(csv.reader(file)))
    assert money.incomes[1].fen == 720_000
    assert found["tiers"]["lowest"]["band"] == "below"
    assert found["tiers"]["band_low"] == "serious"

    # Article 11: what was bought and sold counts once; what was sold to two counts twice.
    assert count_transfers(range(400), {"买家0": range(100), "买家1": range(50)}).total == 450

    # A sample: plan and seed are in the ledger before anything is drawn; its result is an interval.
    drawn = json.loads(tideng("sample", str(case), "--share", "0.9", "--json"))
    assert drawn["plan"] < drawn["draw"]
    with (case / "sample.csv").open(encoding="utf-8") as rows:
        assert len(list(csv.DictReader(rows))) == drawn["size"]
    shown = json.loads(tideng("checked", str(case), "--genuine", str(drawn["size"]), "--json"))
    assert shown["genuine_least"] >= 0.9 * truth.persons

    # The report stands alone, masks everybody, and says what could not be read.
    report = (case / "report.html").read_text("utf-8")
    assert "Content-Security-Policy" in report
    assert "photo.jpg" in report
    assert f"{truth.persons:,}" in report
    assert all(
        len(word) != 18 for word in report.replace("<", " ").replace(">", " ").split() if word[:17].isdigit()
    )

    # Who did what with the evidence, in order; one changed byte would show.
    custody = json.loads(tideng("custody", str(case), "--json"))
    assert custody["is_intact"]
    kinds = [entry["kind"] for entry in custody["entries"]]
    order = [
        "scan_started/1",
        "scan_ended/1",
        "appraisal_report/1",
        "sample_planned/1",
        "sample_drawn/1",
        "sample_checked/1",
    ]
    assert [kinds.index(kind) for kind in order] == sorted(kinds.index(kind) for kind in order)


def test_at_the_edge_of_fifty_thousand_the_report_says_so() -> None:
    # Nearly 50,000 records sit on the edge of "especially serious": a clean sample of 59 proves 47,500 only.
    found = tiers(load_rules(shipped_rules()), {5: 49_950}, {5: 49_990})
    assert (found.band_low, found.band_high) == ("serious", "serious")
    assert {d.items for d in found.distances if d.to == "especially_serious" and d.item == 5} == {50, 10}
