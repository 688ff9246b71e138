"""From columns of calls to alarms: walk, score, calibrate on the population's own days, cross once per
line."""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector.calibrating import DOWN_MAX, Threshold, calibrate
from tideng.calls.detector.evidence import MEANINGS, Scorer
from tideng.calls.detector.lines import BATCH, LineStates
from tideng.calls.detector.outside import NOTHING, Outside, Weight

STRANGERS_MIN: Final = 1.5
"""Recent strangers below which a call is not even scored: nothing can be said of one call."""
QUIET_AGAIN_S: Final = 14 * 86_400
"""A line that was alarmed about is left to the person who deals with it for so long."""
CALLS_SHOWN_MAX: Final = 20
SECOND_CUES: Final = ("rhythm", "short_or_missed", "usual_contacts", "talk", "shared_callees", "incoming")
SECOND_CUE_MIN: Final = 0.35
SECOND_CUES_MIN: Final = 2
SLACK: Final = 3.0
"""How far below every threshold features are still kept, so that a lower `strictness` finds them."""
WEIGHT_SHOWN_MIN: Final = 0.05
REPORT: Final = "report"
LINKAGE: Final = "linkage"

Tier = Literal["call_owner", "suspend"]


class Reason(Struct, frozen=True, kw_only=True):
    """One kind of evidence in an alarm: its weight in log odds, and what it says."""

    name: str
    weight: float
    says: str


class Alarm(Struct, frozen=True, kw_only=True):
    """A line is to be looked at. `calls` are indexes of the records it rests on, newest last."""

    line: int
    at: int
    """When the last of its calls ended, seconds UTC: the earliest moment anybody could know."""
    calls_placed: int
    """By this line since its strangers began."""
    first_call_at: int
    tier: Tier
    score: float
    threshold: float
    reasons: tuple[Reason, ...]
    calls: tuple[int, ...]
    features: bytes
    """The row of features the score was made from (float32, little endian): replaying it gives the same
    score."""


class Scored(Struct, frozen=True, kw_only=True):
    """Every call that could be evidence: which record, which line, its score and its evidence by name."""

    record: NDArray[np.int64]
    line: NDArray[np.int32]
    score: NDArray[np.float64]
    kept: NDArray[np.int64]
    """Indexes of those that came near a threshold; only their features are kept."""
    rows: NDArray[np.float32]
    """Features of the kept, in the same order."""
    runs: NDArray[np.int64]
    """Of the kept: calls since the line's strangers began, and when that was."""
    outside: dict[int, Weight] = msgspec.field(default_factory=dict)
    """By index, what evidence from outside adds to the score of a call; `score` is without it."""


def score_calls(calls: Calls, states: LineStates, scorer: Scorer, outside: Outside | None = None) -> Scored:
    """Walk all records through the lines' states and score what may matter, batch by batch."""
    parts = [
        _score_batch(calls, first, states, scorer, outside)
        for first in range(0, max(len(calls.start), 1), BATCH)
    ]
    before = np.cumsum([0, *(len(part.score) for part in parts)])
    return Scored(
        record=np.concatenate([part.record for part in parts]),
        line=np.concatenate([part.line for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        kept=np.concatenate([part.kept + start for part, start in zip(parts, before[:-1], strict=True)]),
        rows=np.concatenate([part.rows for part in parts]),
        runs=np.concatenate([part.runs for part in parts]),
        outside={
            int(start) + i: weight
            for part, start in zip(parts, before[:-1], strict=True)
            for i, weight in part.outside.items()
        },
    )


def _score_batch(
    calls: Calls, first: int, states: LineStates, scorer: Scorer, outside: Outside | None
) -> Scored:
    piece = calls.piece(first, first + BATCH)
    rows, runs = states.feed(piece)
    # A call to somebody known only lowers the evidence: it is counted, and need not be scored.
    picked = np.flatnonzero((runs[:, 2] == 1) & (rows[:, 1] >= STRANGERS_MIN))
    score = scorer.scores(rows[picked])
    line = piece.caller_line[picked]
    added = outside.weigh(line, piece.end[picked], score) if outside is not None else {}
    reached = score.copy()
    for i, weight in added.items():
        reached[i] += weight.total
    kept = np.flatnonzero(reached >= scorer.model.threshold - DOWN_MAX - SLACK)
    return Scored(
        record=picked + first,
        line=line,
        score=score,
        kept=kept,
        rows=rows[picked[kept]],
        runs=runs[picked[kept]],
        outside=added,
    )


def detect(
    calls: Calls,
    scorer: Scorer,
    *,
    zone_s: int,
    states: LineStates | None = None,
    strictness: float = 0.0,
    outside: Outside | None = None,
) -> tuple[list[Alarm], Threshold]:
    """Alarms in order of time, and the thresholds they crossed.

    `strictness` is added to both thresholds, in log odds. `outside`: reports and links between lines.
    """
    states = states or LineStates(len(calls.lines), zone_s=zone_s)
    scored = score_calls(calls, states, scorer, outside)
    threshold = calibrate(calls, scored.line, scored.score, scorer.model, zone_s=zone_s)
    return list(cross(calls, scored, scorer, threshold.moved(strictness))), threshold


def cross(calls: Calls, scored: Scored, scorer: Scorer, threshold: Threshold) -> Iterator[Alarm]:
    """The first crossing of each line, then silence for `QUIET_AGAIN_S`; a stronger tier is told again."""
    end = calls.end
    last: dict[int, tuple[int, Tier]] = {}
    for k, i in enumerate(scored.kept.tolist()):
        added = scored.outside.get(i, NOTHING)
        reached = float(scored.score[i]) + added.total
        if reached < threshold.call_owner:
            continue
        line, at = int(scored.line[i]), int(end[scored.record[i]])
        evidence = scorer.of(scored.rows[k : k + 1])[0]
        tier = tier_of(reached, evidence, scorer, threshold, added)
        before = last.get(line)
        if (
            before is not None
            and at - before[0] < QUIET_AGAIN_S
            and (before[1] == tier or tier == "call_owner")
        ):
            continue
        last[line] = (at, tier)
        alarm = _alarm(calls, int(scored.record[i]), scored.rows[k], scored.runs[k], evidence, scorer, added)
        limit = threshold.suspend if tier == "suspend" else threshold.call_owner
        yield msgspec.structs.replace(alarm, tier=tier, threshold=round(limit, 3))


def tier_of(
    score: float,
    evidence: NDArray[np.float64],
    scorer: Scorer,
    threshold: Threshold,
    outside: Weight = NOTHING,
) -> Tier:
    """`suspend` needs the higher threshold and, besides strangers, two cues of other kinds, or a report:
    somebody heard what no record tells."""
    if score < threshold.suspend:
        return "call_owner"
    cues = sum(
        float(evidence[k]) >= SECOND_CUE_MIN for k, name in enumerate(scorer.groups) if name in SECOND_CUES
    )
    cues += (SECOND_CUES_MIN if outside.report else 0) + (1 if outside.linked else 0)
    return "suspend" if cues >= SECOND_CUES_MIN else "call_owner"


def reasons_of(
    evidence: NDArray[np.float64], scorer: Scorer, outside: Weight = NOTHING
) -> tuple[Reason, ...]:
    """The kinds of evidence that weigh anything, the strongest first, and last where the sum began."""
    weights = [
        *((scorer.groups[k], float(evidence[k])) for k in range(len(evidence))),
        (REPORT, outside.report),
        (LINKAGE, outside.linked),
    ]
    told = [
        Reason(name=name, weight=round(weight, 3), says=MEANINGS[name])
        for name, weight in sorted(weights, key=lambda one: -one[1])
        if abs(weight) >= WEIGHT_SHOWN_MIN
    ]
    told.append(Reason(name="prior", weight=round(scorer.model.offset, 3), says=MEANINGS["prior"]))
    return tuple(told)


def _alarm(
    calls: Calls,
    record: int,
    row: NDArray[np.float32],
    run: NDArray[np.int64],
    evidence: NDArray[np.float64],
    scorer: Scorer,
    outside: Weight,
) -> Alarm:
    """The alarm in its weaker tier, without a threshold yet."""
    line = int(calls.caller_line[record])
    # In a stream the run may have begun before these columns; what is listed then is its newest part.
    nearby = np.flatnonzero((calls.caller_line[: record + 1] == line) & (calls.start[: record + 1] >= run[1]))
    return Alarm(
        line=line,
        at=int(calls.end[record]),
        calls_placed=int(run[0]),
        first_call_at=int(run[1]),
        tier="call_owner",
        score=round(float(scorer.model.offset + evidence.sum() + outside.total), 3),
        threshold=0.0,
        reasons=reasons_of(evidence, scorer, outside),
        calls=tuple(int(index) for index in nearby[-CALLS_SHOWN_MAX:]),
        features=row.astype("<f4").tobytes(),
    )
