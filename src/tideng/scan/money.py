"""Statements of WeChat, Alipay and banks -> who paid whom on which day; suspected sales and the income
they sum to. Pure.

What a payment was for, a statement does not say. So income is summed under stated assumptions, each with
its own total, and nothing here is called illegal: that word is the court's.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

ROWS_MAX: Final = 5_000_000
_TIME: Final = re.compile(r"(20[0-9]{2})[-/年.]?([01]?[0-9])[-/月.]?([0-3]?[0-9])")
_WANTED: Final = {
    "time": r"交易时间|交易创建时间|付款时间|记账日期|交易日期|日期|入账时间|date",
    "party": r"交易对方|对方户名|对方名称|对手方|对方账户名|收/付款方|交易对手|counterparty",
    "amount": r"金额|发生额|交易金额|amount",
    "direction": r"收/支|收支|借贷|借/贷|交易方向|direction",
    "note": r"商品|备注|摘要|附言|用途|商品说明|memo|note",
    "state": r"当前状态|交易状态|状态|status",
}
_SALE: Final = re.compile(r"数据|名单|客户资料|资料|电销|精准|粉|料|条|四件套|号码|信息", re.I)


class Payment(Struct, frozen=True, gc=False):
    """One line of a statement that was carried out."""

    day: str
    party: str
    fen: int
    """Cents; positive: received."""
    note: str


class Flow(Struct, frozen=True):
    """All payments with one counterpart."""

    party: str
    received_fen: int
    paid_fen: int
    times: int
    first: str
    last: str
    usual_fen: int
    """The commonest amount received; 0 if nothing was."""
    is_suspected: bool
    """Notes speak of data, or the same amount came three times or more."""


class Income(Struct, frozen=True):
    """A total and what it assumes."""

    assumption: str
    fen: int
    parties: int


class Money(Struct, frozen=True):
    """A statement, summed."""

    payments: int
    skipped: int
    """Lines that could not be read, or were refunded or closed."""
    flows: tuple[Flow, ...]
    by_day: dict[str, int]
    """Received each day, cents."""
    incomes: tuple[Income, ...]


def read_statement(rows: Iterable[Sequence[str]]) -> tuple[list[Payment], int]:
    """The payments of a statement (WeChat, Alipay, bank; the table may begin anywhere), and lines skipped."""
    places: dict[str, int] = {}
    payments: list[Payment] = []
    skipped = 0
    for number, row in enumerate(rows):
        if number >= ROWS_MAX:
            break
        cells = [cell.strip().strip("\t") for cell in row]
        if not places:
            places = _header(cells)
            continue
        payment = _payment(cells, places)
        if payment is None:
            skipped += any(cells)
        else:
            payments.append(payment)
    return payments, skipped


def _header(cells: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, pattern in _WANTED.items():
        place = next(
            (i for i, cell in enumerate(cells) if re.search(pattern, cell, re.I) and i not in found.values()),
            None,
        )
        if place is not None:
            found[name] = place
    return found if {"time", "amount"} <= set(found) and len(found) >= 3 else {}


def _payment(cells: Sequence[str], places: Mapping[str, int]) -> Payment | None:
    def said(name: str) -> str:
        place = places.get(name, -1)
        return cells[place] if 0 <= place < len(cells) else ""

    when = _TIME.search(said("time"))
    fen = fen_of(said("amount"))
    if when is None or fen is None or re.search(r"关闭|失败|退款|已全额退|撤销", said("state")):
        return None
    direction = said("direction")
    if direction in ("/", "不计收支"):
        return None
    if re.search(r"支|借|付|out|debit", direction, re.I) and not re.search(r"^收|^贷|收入", direction):
        fen = -abs(fen)
    elif re.search(r"收|贷|in|credit", direction, re.I):
        fen = abs(fen)
    day = f"{when[1]}-{int(when[2]):02}-{int(when[3]):02}"
    return Payment(day, said("party") or "（未注明）", fen, said("note"))


def fen_of(text: str) -> int | None:
    """Cents from 1,234.50, ¥200.00, -3 or 200元; None if it is no amount. Exact, no binary fractions."""
    found = re.fullmatch(r"([+-]?)[¥￥]?[ ]?([0-9][0-9,]*)(?:\.([0-9]{1,2}))?[ ]?元?", text.strip())
    if found is None:
        return None
    cents = int(found[2].replace(",", "")) * 100 + int((found[3] or "0").ljust(2, "0"))
    return -cents if found[1] == "-" else cents


def sum_up(payments: Sequence[Payment], skipped: int = 0, buyers: Iterable[str] = ()) -> Money:
    """Flows by counterpart and day, and income under three assumptions. `buyers`: names known from
    transfers.
    """
    by_party: dict[str, list[Payment]] = defaultdict(list)
    by_day: dict[str, int] = defaultdict(int)
    for payment in payments:
        by_party[payment.party].append(payment)
        if payment.fen > 0:
            by_day[payment.day] += payment.fen
    flows = sorted(
        (_flow(party, mine) for party, mine in by_party.items()), key=lambda f: (-f.received_fen, f.party)
    )
    known = set(buyers)
    return Money(
        len(payments),
        skipped,
        tuple(flows),
        dict(sorted(by_day.items())),
        (
            _income("everything received", flows),
            _income("received from suspected buyers", [f for f in flows if f.is_suspected]),
            _income(
                "received from buyers known by a transfer of data", [f for f in flows if f.party in known]
            ),
        ),
    )


def _flow(party: str, mine: Sequence[Payment]) -> Flow:
    received = [payment.fen for payment in mine if payment.fen > 0]
    usual = max(set(received), key=lambda fen: (received.count(fen), fen)) if received else 0
    is_suspected = bool(received) and (
        received.count(usual) >= 3 or any(_SALE.search(p.note) for p in mine if p.fen > 0)
    )
    return Flow(
        party,
        sum(received),
        -sum(p.fen for p in mine if p.fen < 0),
        len(mine),
        min(p.day for p in mine),
        max(p.day for p in mine),
        usual,
        is_suspected,
    )


def _income(assumption: str, flows: Sequence[Flow]) -> Income:
    paying = [flow for flow in flows if flow.received_fen > 0]
    return Income(assumption, sum(flow.received_fen for flow in paying), len(paying))
