"""Expected loss avoided by an alarm: a simple model, its assumptions, and how uncertain it is.

    chance that the alarm is right x calls a day x days left until it would have been found anyway
        x share of calls after which somebody pays x loss per victim

Each figure is a range with source and date. Ranges are drawn together for all cases, so that a sum over cases
is as uncertain as its assumptions. The interval is about these; what a single case would have cost varies
more.
"""

import tomllib
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.cases import Visit

FILE: Final = "losses.toml"
DRAWS: Final = 4_000
SEED: Final = 20_260_311
"""Same assumptions and cases, same figures."""
LOW, HIGH = 0.05, 0.95
"""What the ends of a range mean, given and shown."""
_Z95: Final = 1.6448536269514722
"""The 95 % point of the normal distribution."""
DAY_S: Final = 86_400
FIGURES: Final = ("calls_a_day", "discovery_days", "victim_share", "loss_per_victim")
CASES_MAX: Final = 5_000
"""Cases that a sum is made over: the newest."""


class LossesInvalid(ValueError):
    """The assumptions cannot be used. The message names the figure, its fault and the next step."""


class Figure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A range that holds 90 % of what is thought possible, and where it is from."""

    low: float
    high: float
    source: str
    date: str


class Assumptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model is reckoned with; a figure nobody has given is None."""

    currency: str = ""
    calls_a_day: Figure | None = None
    """By a box."""
    discovery_days: Figure | None = None
    """From its first call until the box would have been found without us."""
    victim_share: Figure | None = None
    """Of calls to strangers, those after which somebody pays."""
    loss_per_victim: Figure | None = None
    """In `currency`."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be given before anything is reckoned."""
        absent = tuple(name for name in FIGURES if getattr(self, name) is None)
        return absent if self.currency else (*absent, "currency")


class Interval(Struct, frozen=True, kw_only=True):
    """The 5 %, 50 % and 95 % points, rounded to two digits: more would feign precision."""

    low: int
    median: int
    high: int
    currency: str


def read(own: Path) -> Assumptions:
    """The shipped figures, with the operator's in their place. Raises `LossesInvalid`."""
    shipped = (resources.files("tideng.calls") / FILE).read_text("utf-8")
    try:
        given = own.read_text("utf-8") if own.is_file() else ""
        merged = tomllib.loads(shipped) | tomllib.loads(given)
        assumed = msgspec.convert(merged, Assumptions)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise LossesInvalid(f"{own.name}: {error}; see the page on losses for how it is written") from error
    for name in FIGURES:
        figure = getattr(assumed, name)
        if figure is not None:
            _check(own.name, name, figure)
    return assumed


def _check(file: str, name: str, figure: Figure) -> None:
    most = 1.0 if name == "victim_share" else 1e12
    if not 0 < figure.low <= figure.high <= most:
        raise LossesInvalid(
            f"{file}: {name} is {figure.low:g} to {figure.high:g}; give 0 < low <= high <= {most:g}"
        )
    if not figure.source.strip() or not figure.date.strip():
        raise LossesInvalid(f"{file}: {name} has no source or no date; say where the figure is from")


class Losses:
    """The model made ready for these assumptions, and for what visits have found so far."""

    def __init__(self, assumed: Assumptions, *, confirmed: int, not_confirmed: int) -> None:
        """`confirmed`, `not_confirmed`: visits so far; they say how often an open alarm is right."""
        self.assumed = assumed
        self._worth: NDArray[np.float64] | None = None
        if assumed.missing:
            return
        rng = np.random.default_rng(SEED)
        drawn = {name: _drawn(getattr(assumed, name), rng) for name in FIGURES}
        # Before the first visit any share of right alarms is as good as any other: Beta(1, 1).
        self._is_right = rng.beta(1 + confirmed, 1 + not_confirmed, DRAWS)
        self._days = drawn["discovery_days"]
        share = np.minimum(drawn["victim_share"], 1.0)
        self._worth = drawn["calls_a_day"] * share * drawn["loss_per_victim"]

    def avoided(self, visit: Visit) -> Interval | None:
        """By one case; None when assumptions are missing, or the visit found nothing."""
        return None if visit.state == "not_confirmed" else self.avoided_by([visit])

    def avoided_by(self, visits: Iterable[Visit]) -> Interval | None:
        """By cases together, each line counted once, from its earliest alarm; None when assumptions are
        missing or no case is left."""
        counted = [visit for visit in _first_of_each_line(visits) if visit.state != "not_confirmed"]
        if self._worth is None or not counted:
            return None
        total = np.zeros(DRAWS)
        for visit in counted[:CASES_MAX]:
            before = max(0, visit.alarm_at - visit.first_call_at) / DAY_S
            chance = 1.0 if visit.state == "confirmed" else self._is_right
            total += chance * np.maximum(0.0, self._days - before) * self._worth
        low, median, high = (_rounded(float(n)) for n in np.quantile(total, [LOW, 0.5, HIGH]))
        return Interval(low=low, median=median, high=high, currency=self.assumed.currency)


def _first_of_each_line(visits: Iterable[Visit]) -> Sequence[Visit]:
    first: dict[str, Visit] = {}
    for visit in visits:
        known = first.get(visit.line)
        if known is None or visit.alarm_at < known.alarm_at:
            state = "confirmed" if known is not None and known.state == "confirmed" else visit.state
            first[visit.line] = msgspec.structs.replace(visit, state=state)
        elif visit.state == "confirmed":
            first[visit.line] = msgspec.structs.replace(known, state="confirmed")
    return list(first.values())


def _drawn(figure: Figure, rng: np.random.Generator) -> NDArray[np.float64]:
    """Log-normal, with the range's ends as its 5 % and 95 % points: figures of money and time are skewed."""
    middle = (np.log(figure.low) + np.log(figure.high)) / 2
    spread = (np.log(figure.high) - np.log(figure.low)) / (2 * _Z95)
    return np.exp(rng.normal(middle, spread, DRAWS))


def _rounded(value: float) -> int:
    if value < 1:
        return 0
    step = 10 ** max(0, int(np.floor(np.log10(value))) - 1)
    return int(round(value / step) * step)
