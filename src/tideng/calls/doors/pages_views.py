"""Turns cases into what the calls console's templates show."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Final

from msgspec import Struct

from tideng.calls.cases import Before, Visit
from tideng.calls.detector.evidence import MEANINGS
from tideng.calls.losses import Interval, Losses
from tideng.documents import charts
from tideng.identifiers.phone import mask
from tideng.web.moments import When, when

TONES: Final[Mapping[str, str]] = {
    "open": "wait", "visited": "plain", "confirmed": "bad", "not_confirmed": "good",
    "call_owner": "wait", "suspend": "bad",
}  # fmt: skip
"""Every state's and tier's colour; the word always stands beside it."""
REASONS_SHOWN: Final = 3
ID_CHARACTERS: Final = 12

Say = Callable[..., str]


class Row(Struct, frozen=True, kw_only=True):
    """One case in a list."""

    visit: Visit
    alarm: When
    minutes: int
    """From the first call of the strangers to the alarm."""
    line: str
    """Masked; empty when this role sees no numbers."""
    reasons: tuple[str, ...]
    avoided: Interval | None
    """Expected loss avoided; None when it cannot be said."""


def row_of(visit: Visit, zone: tzinfo, losses: Losses, *, personal: bool) -> Row:
    """A case as its line in the list."""
    return Row(
        visit=visit,
        alarm=when(visit.alarm_at * 1_000_000, zone),
        minutes=minutes_of(visit),
        line=mask(visit.line) if personal else "",
        reasons=tuple(name for name, weight in visit.reasons if weight > 0)[:REASONS_SHOWN],
        avoided=losses.avoided(visit),
    )


def minutes_of(visit: Visit) -> int:
    """Whole minutes from the first call of the strangers to the alarm."""
    return max(0, visit.alarm_at - visit.first_call_at) // 60


def zone_s_at(at: int, zone: tzinfo) -> int:
    """Seconds east of UTC of the zone at a moment (seconds UTC)."""
    away = datetime.fromtimestamp(at, zone).utcoffset()
    return int(away.total_seconds()) if away is not None else 0


def cursor_of(text: str) -> Before | None:
    """The place in the list that an address names; None when it names none."""
    at, _, id = text[:200].partition(".")
    is_place = at.isascii() and at.isdecimal() and len(at) <= 12 and bool(id)
    return Before(int(at), id) if is_place else None


def place_of(visit: Visit) -> str:
    """How an address names the place after this case."""
    return f"{visit.alarm_at}.{visit.id}"


def sums_chart(visit: Visit, say: Say) -> str:
    """How the named evidence adds up to the score, and what the score had to reach."""
    ordered = sorted(visit.reasons, key=lambda reason: reason[0] != "prior")
    items = [
        charts.Bar(say(f"evidence.{name}") if name in MEANINGS else name, weight) for name, weight in ordered
    ]
    return charts.sums(
        items,
        goal=visit.threshold,
        goal_name=say("calls_case.goal", threshold=f"{visit.threshold:.2f}"),
        title=say("calls_case.sums"),
        description=say("calls_case.sums_says", score=f"{visit.score:.2f}"),
    )


def told_reasons(visit: Visit, say: Say) -> list[tuple[str, str, float]]:
    """(name, what it says, weight), the strongest first."""
    return [
        (say(f"evidence.{name}"), say(f"evidence_says.{name}"), weight)
        if name in MEANINGS
        else (name, "", weight)
        for name, weight in visit.reasons
    ]
