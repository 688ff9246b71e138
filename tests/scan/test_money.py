"""Statements: read exactly to the cent, refunds left out, incomes with their assumptions."""

import csv
from pathlib import Path

import pytest

from tideng.scan.corpus import Maker, laptop
from tideng.scan.money import fen_of, read_statement, sum_up


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("¥200.00", 20000),
        ("1,234.5", 123450),
        ("-3", -300),
        ("0.01", 1),
        ("200元", 20000),
        ("", None),
        ("abc", None),
        ("1.234", None),
    ],
)
def test_amounts(text: str, fen: int | None) -> None:
    assert fen_of(text) == fen


def test_a_wechat_statement(tmp_path: Path) -> None:
    laptop(tmp_path, seed=1)
    with (tmp_path / "微信支付账单.csv").open(encoding="utf-8-sig", newline="") as file:
        payments, skipped = read_statement(csv.reader(file))
    money = sum_up(payments, skipped, buyers=["买家0"])
    assert money.payments == 56
    everything, suspected, known = money.incomes
    assert everything.fen == suspected.fen == 36 * 20_000
    assert (known.fen, known.parties) == (12 * 20_000, 1)
    shop = next(flow for flow in money.flows if flow.party == "超市")
    assert (shop.received_fen, shop.is_suspected) == (0, False)
    assert sum(money.by_day.values()) == everything.fen
    assert Maker(1).mobile() == Maker(1).mobile()


def test_alipay_and_bank_forms() -> None:
    alipay = [
        ["支付宝账单"],
        ["交易时间", "交易对方", "商品说明", "收/支", "金额", "交易状态"],
        ["2026-01-02 10:00:00", "甲", "精准客户", "收入", "5000.00", "交易成功"],
        ["2026-01-03", "乙", "x", "收入", "70", "交易关闭"],
        ["2026-01-03", "丙", "x", "不计收支", "70", "交易成功"],
    ]
    money = sum_up(*read_statement(alipay))
    assert (money.incomes[1].fen, money.payments, money.skipped) == (500_000, 1, 2)
    bank = [
        ["交易日期", "对方户名", "发生额", "借贷"],
        ["20260102", "甲", "100.00", "贷"],
        ["20260103", "甲", "30.00", "借"],
    ]
    flow = sum_up(*read_statement(bank)).flows[0]
    assert (flow.received_fen, flow.paid_fen) == (10_000, 3_000)


def test_the_command_sums_statements_and_draws_a_page(tmp_path: Path) -> None:
    import json

    from typer.testing import CliRunner

    from tideng.cli.main import app

    laptop(tmp_path, seed=1)
    words = [
        "scan",
        "money",
        str(tmp_path / "微信支付账单.csv"),
        "--page",
        str(tmp_path / "money.html"),
        "--json",
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["incomes"][1]["fen"] == 720_000
    assert "<svg" in (tmp_path / "money.html").read_text("utf-8")
    (tmp_path / "x.png").write_bytes(b"\x89PNG....")
    assert CliRunner().invoke(app, ["scan", "money", str(tmp_path / "x.png")]).exit_code == 2
