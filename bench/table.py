"""The figures as one table: what was wanted, what was measured, whether that is enough."""

from typing import Any

import msgspec
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

from bench.machine import Machine
from bench.scenarios import Killed, Profile, Round, median


class Figures(Struct, kw_only=True):
    """One run. Rounds are kept, so that the spread can be seen."""

    date: str
    machine: Machine
    load_averages: list[float]
    plain: list[Round]
    with_reports: list[Round]
    paced_per_s: float
    paced: list[Round]
    http: list[Round]
    long: Round
    rss_mb: float
    messages: int
    profile: Profile | None = None
    killed: Killed | None = None
    peers: list[str] = []
    notes: list[str] = []

    @property
    def rounds(self) -> list[Round]:
        return [*self.plain, *self.with_reports, *self.paced, *self.http, self.long]

    @property
    def lost(self) -> int:
        """Messages acknowledged and not delivered, and reports that did not come back."""
        lost = sum(max(0, one.missing) + max(0, one.reports_missing) for one in self.rounds)
        return lost + (self.killed.lost if self.killed is not None else 0)


class Row(Struct, frozen=True):
    what: str
    target: str
    measured: str
    verdict: str


def rows(figures: Figures) -> list[Row]:
    """The table's rows; the same for the terminal and the documentation."""
    plain, reports = figures.plain, figures.with_reports
    made = [
        _at_least("SMPP in → SMPP out, no reports, delivered/s", 3_000, plain, "delivered_per_s"),
        _at_least("SMPP in → SMPP out, reports, delivered/s", 1_500, reports, "delivered_per_s"),
        _plain("… reports returned/s", "–", reports, "reports_per_s"),
        _plain(
            f"{figures.messages:,} messages with reports, delivered/s", "–", [figures.long], "delivered_per_s"
        ),
        _latency(figures),
        _at_least("HTTP batches of 100, accepted/s", 5_000, figures.http, "accepted_per_s"),
        Row(
            f"RSS after {figures.messages:,} messages, MB",
            "< 150",
            f"{figures.rss_mb:,.0f}",
            _verdict(figures.rss_mb < 150),
        ),
        _plain("CPU µs/message, no reports", "–", plain, "cpu_us"),
        _plain("CPU µs/message, reports", "–", reports, "cpu_us"),
    ]
    duplicates = sum(one.duplicates for one in figures.rounds)
    refused = sum(one.refused for one in figures.rounds)
    lost = sum(max(0, one.missing) for one in figures.rounds)
    unreported = sum(max(0, one.reports_missing) for one in figures.rounds)
    made.append(
        Row(
            "all rounds: lost / duplicates / refused / reports missing",
            "0 / 0 / 0 / 0",
            f"{lost} / {duplicates} / {refused} / {unreported}",
            _verdict(not (duplicates or refused or lost or unreported)),
        )
    )
    if figures.killed is not None:
        killed = figures.killed
        made.append(
            Row(
                f"kill -9 under load, {killed.acknowledged:,} acknowledged: lost / duplicates",
                "0 / ≤ window",
                f"{killed.lost} / {killed.duplicates}" + ("" if killed.verifies else ", ledger broken"),
                _verdict(not killed.lost and killed.verifies),
            )
        )
    return made


def show(figures: Figures, console: Console) -> None:
    """The table, the profile and the machine."""
    table = Table(title=f"tideng bench · {figures.date}", box=box.SIMPLE_HEAD)
    for name in ("what", "target", "measured (median, min–max)", "verdict"):
        table.add_column(name, justify="left" if name in ("what", "verdict") else "right")
    for row in rows(figures):
        colour = {"met": "green", "missed": "red"}.get(row.verdict, "")
        table.add_row(row.what, row.target, row.measured, f"[{colour}]{row.verdict}[/]" if colour else "")
    console.print(table)
    if figures.profile is not None:
        _show_profile(figures.profile, console)
    low, high = min(figures.load_averages), max(figures.load_averages)
    console.print(figures.machine.line())
    console.print(f"load average during the run {low:.1f}–{high:.1f}")
    for line in (*figures.notes, *figures.peers):
        console.print(line)


def _show_profile(profile: Profile, console: Console) -> None:
    total = sum(profile.per_message_us.values())
    table = Table(
        title=f"where the CPU goes, with reports, under the sampler ({profile.samples:,} samples)",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("room")
    table.add_column("µs/message", justify="right")
    table.add_column("share", justify="right")
    for name, used in sorted(profile.per_message_us.items(), key=lambda one: -one[1]):
        table.add_row(name, f"{used:,.0f}", f"{used / total:.0%}")
    table.add_row("all", f"{total:,.0f}", "")
    console.print(table)
    top = Table(title="the most expensive functions", box=box.SIMPLE_HEAD)
    for name in ("room", "innermost function of Tideng's", "µs/message"):
        top.add_column(name, justify="right" if name == "µs/message" else "left")
    for name, used in profile.top[:12]:
        room, _, function = name.partition("\t")
        top.add_row(room, function, f"{used:,.0f}")
    console.print(top)


def as_json(figures: Figures) -> bytes:
    """Everything, rounds included."""
    document: dict[str, Any] = msgspec.to_builtins(figures)  # Any: JSON
    document["rows"] = msgspec.to_builtins(rows(figures))
    document["lost"] = figures.lost
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _at_least(what: str, target: int, rounds: list[Round], field: str) -> Row:
    value = median(rounds, field) if rounds else 0.0
    return Row(what, f"≥ {target:,}", _spread(rounds, field), _verdict(value >= target))


def _plain(what: str, target: str, rounds: list[Round], field: str) -> Row:
    return Row(what, target, _spread(rounds, field), "")


def _latency(figures: Figures) -> Row:
    p50 = median(figures.paced, "p50_ms") if figures.paced else 0.0
    p99 = median(figures.paced, "p99_ms") if figures.paced else 0.0
    return Row(
        f"answer p50 / p99 at {figures.paced_per_s:,.0f}/s (half load, reports), ms",
        "p99 < 50",
        f"{p50:.1f} / {p99:.1f}",
        _verdict(0 < p99 < 50),
    )


def _spread(rounds: list[Round], field: str) -> str:
    if not rounds:
        return "–"
    values = [getattr(one, field) for one in rounds]
    return f"{median(rounds, field):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"
