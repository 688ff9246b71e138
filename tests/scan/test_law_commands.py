"""What a court asks of a scanned pile, by command: strata, draws that go on, sales to several buyers."""

import csv
import json
from pathlib import Path

from typer.testing import CliRunner

from tideng.cli.main import app
from tideng.scan.corpus import Maker, table_bytes

cli = CliRunner()


def told(*words: object) -> dict[str, object]:
    """The one place that calls the commands."""
    result = cli.invoke(app, ["scan", *map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def pile(folder: Path) -> Path:
    """300 people; a third of them in a table with diagnoses, another class of the law."""
    maker = Maker(5)
    people = [maker.person() for _ in range(300)]
    (folder / "in").mkdir()
    (folder / "in" / "a.csv").write_bytes(table_bytes(people[:200], "gb18030"))
    rows = "".join(f"{p.name},{p.id},{p.mobile},高血压\n" for p in people[200:])
    (folder / "in" / "b.csv").write_text("姓名,身份证号,手机号,诊断\n" + rows, encoding="utf-8")
    told(folder / "in", "--out", folder / "case")
    return folder / "case"


def test_sensitive_labels_stand_apart_from_the_tiers(tmp_path: Path) -> None:
    maker = Maker(7)
    (tmp_path / "in").mkdir()
    rows = "".join(f"{p.name},{p.mobile},1,佛教\n" for p in (maker.person() for _ in range(30)))
    (tmp_path / "in" / "a.csv").write_text("姓名,手机号,指纹编号,宗教信仰\n" + rows, encoding="utf-8")
    rows = "".join(f"{p.name},{p.mobile},{p.card},x.jpg\n" for p in (maker.person() for _ in range(30)))
    (tmp_path / "in" / "b.csv").write_text("姓名,手机号,银行卡号,身份证正面\n" + rows, encoding="utf-8")
    found = told(tmp_path / "in", "--out", tmp_path / "case")
    seen = {one["category"]: (one["pipl_28"], one["gbt_45574"]) for one in found["sensitive"]}  # type: ignore[attr-defined]  # JSON
    assert seen == {
        "biometric": (True, True),
        "religion": (True, True),
        "financial_account": (True, True),
        "id_photo": (False, True),
    }
    assert found["tiers"]["lowest"]["items"] == {"3": 0, "4": 0, "5": 60}  # type: ignore[index]  # JSON
    report = (tmp_path / "case" / "report.html").read_text("utf-8")
    assert "宗教信仰信息" in report
    assert "GB/T 45574-2025" in report
    plain = told(Path(__file__).parent / "piles.py")
    assert plain["sensitive"] == []


def test_strata_are_drawn_apart_and_add_up(tmp_path: Path) -> None:
    case = pile(tmp_path)
    drawn = told("sample", case, "--share", "0.9", "--by", "class")
    sizes = {one["plan"]["stratum"]: (one["plan"]["population"], one["size"]) for one in drawn["strata"]}  # type: ignore[attr-defined]  # JSON
    assert {name: population for name, (population, _) in sizes.items()} == {"class 4": 100, "class 5": 200}
    with (case / "sample.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {name: sum(row["stratum"] == name for row in rows) for name in sizes} == {
        name: size for name, (_, size) in sizes.items()
    }
    assert {Path(row["file"]).name for row in rows if row["stratum"] == "class 4"} == {"b.csv"}
    first = told("checked", case, "--stratum", "class 4", "--genuine", sizes["class 4"][1])
    assert not first["is_complete"]
    both = told("checked", case, "--stratum", "class 5", "--genuine", sizes["class 5"][1])
    assert both["is_complete"]
    assert 270 <= both["genuine_least"] <= 300  # type: ignore[operator]  # JSON
    assert "name one stratum" in cli.invoke(app, ["scan", "checked", str(case), "--genuine", "1"]).output


def test_a_sequential_sample_goes_on_where_it_stopped(tmp_path: Path) -> None:
    case = pile(tmp_path)
    told("sample", case, "--share", "0.9")
    refused = cli.invoke(app, ["scan", "continue", str(case), "--failures", "1"])
    assert refused.exit_code == 2
    assert "--sequential" in refused.output
    first = told("sample", case, "--share", "0.9", "--sequential")
    before = (case / "sample.csv").read_text("utf-8")
    longer = told("continue", case, "--failures", "1")
    assert longer["size"] > first["size"]  # type: ignore[operator]  # JSON
    assert (case / "sample.csv").read_text("utf-8").startswith(before)
    shown = told("checked", case, "--genuine", int(str(longer["size"])) - 1)
    assert shown["genuine_least"] >= 0.9 * 300  # type: ignore[operator]  # JSON
    kinds = [entry["kind"] for entry in told("custody", case)["entries"]]  # type: ignore[attr-defined]  # JSON
    assert kinds[-5:] == [
        "sample_planned/1",
        "sample_drawn/1",
        "sample_planned/1",
        "sample_drawn/1",
        "sample_checked/1",
    ]


def test_sales_accumulate_and_holdings_do_not(tmp_path: Path) -> None:
    maker = Maker(6)
    people = [maker.person() for _ in range(100)]
    source = tmp_path / "in"
    for name, crowd in (("总表", people), ("发给甲", people[:40]), ("发给乙", people[20:50])):
        (source / name).mkdir(parents=True)
        (source / name / "名单.csv").write_bytes(table_bytes(crowd, "gb18030"))
    # Known to 丙 by mobile alone: the same people, and one more whom nobody holds.
    (tmp_path / "丙").mkdir()
    (tmp_path / "丙" / "chat.txt").write_text(
        "".join(f"电话{p.mobile}\n" for p in [*people[:10], maker.person()]), encoding="utf-8"
    )
    case, other = tmp_path / "case", tmp_path / "other"
    told(source, "--out", case)
    told(tmp_path / "丙", "--out", other)
    found = told("transfers", case, "--to", "甲=发给甲", "--to", "乙=发给乙/*", "--to", f"丙={other}")
    counted = found["counted"]
    assert counted == {
        "held": 100,
        "by_buyer": {"丙": 11, "乙": 30, "甲": 40},
        "sold": 81,
        "held_only": 50,
        "total": 131,
    }
    assert found["tiers"]["lowest"]["items"] == {"3": 0, "4": 0, "5": 131}  # type: ignore[index]  # JSON
    assert "transfers_counted/1" in json.dumps(told("custody", case))
    nothing = cli.invoke(app, ["scan", "transfers", str(case), "--to", "丁=没有"])
    assert nothing.exit_code == 2
    assert "names no file" in nothing.output
