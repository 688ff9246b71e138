"""From columns of calls to alarms: walk, score, calibrate on the population's own days, cross once per line."""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tideng.calls.columns import Calls
from tideng.calls.detector import layout
from tideng.calls.detector.calibrating import Threshold, calibrate
from tideng.calls.detector.evidence import MEANINGS, Scorer
from tideng.calls.detector.lines import BATCH, LineStates

STRANGERS_MIN: Final = 1.5
"""Recent strangers below which a call is not even scored: nothing can be said of one call."""
QUIET_AGAIN_S: Final = 14 * 86_400
"""A line that was alarmed about is left to the person who deals with it for so long."""
CALLS_SHOWN_MAX: Final = 20
EPISODE_S: Final = 12 * 3600
SECOND_CUES: Final = ("rhythm", "short_or_missed", "usual_contacts", "talk", "shared_callees", "incoming")
SECOND_CUE_MIN: Final = 0.35
SECOND_CUES_MIN: Final = 2

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


class Scored(Struct, frozen=True, kw_only=True):
    """Every call that could be evidence: which record, which line, its score and its evidence by name."""

    record: NDArray[np.int64]
    line: NDArray[np.int32]
    score: NDArray[np.float64]
    evidence: NDArray[np.float32]
    new: NDArray[np.float32]


def score_calls(calls: Calls, states: LineStates, scorer: Scorer) -> Scored:
    """Walk all records through the lines' states and score what may matter, batch by batch."""
    parts = [_score_batch(calls, first, states, scorer) for first in range(0, max(len(calls.start), 1), BATCH)]
    return Scored(
        record=np.concatenate([part.record for part in parts]),
        line=np.concatenate([part.line for part in parts]),
        score=np.concatenate([part.score for part in parts]),
        evidence=np.concatenate([part.evidence for part in parts]),
        new=np.concatenate([part.new for part in parts]),
    )


def _score_batch(calls: Calls, first: int, states: LineStates, scorer: Scorer) -> Scored:
    piece = calls.piece(first, first + BATCH)
    rows = states.feed(piece)
    picked = np.flatnonzero((piece.caller_line >= 0) & (rows[:, 1] >= STRANGERS_MIN))
    evidence = scorer.of(rows[picked])
    return Scored(
        record=picked + first,
        line=piece.caller_line[picked],
        score=scorer.total(evidence),
        evidence=evidence.astype(np.float32),
        new=rows[picked, 1],
    )


def detect(
    calls: Calls, scorer: Scorer, *, zone_s: int, states: LineStates | None = None, strictness: float = 0.0
) -> tuple[list[Alarm], Threshold]:
    """Alarms in order of time, and the thresholds they crossed.

    `strictness` is added to both thresholds, in log odds.
    """
    states = states or LineStates(len(calls.lines), zone_s=zone_s)
    scored = score_calls(calls, states, scorer)
    threshold = calibrate(calls, scored.record, scored.line, scored.score, scorer.model, zone_s=zone_s)
    return list(cross(calls, scored, scorer, threshold.moved(strictness))), threshold


def cross(calls: Calls, scored: Scored, scorer: Scorer, threshold: Threshold) -> Iterator[Alarm]:
    """The first crossing of each line, then silence for `QUIET_AGAIN_S`; a stronger tier is told again."""
    end = calls.end
    last: dict[int, tuple[int, Tier]] = {}
    for i in np.flatnonzero(scored.score >= threshold.call_owner):
        line, at = int(scored.line[i]), int(end[scored.record[i]])
        tier = tier_of(float(scored.score[i]), scored.evidence[i], scorer, threshold)
        before = last.get(line)
        if before is not None and at - before[0] < QUIET_AGAIN_S and (before[1] == tier or tier == "call_owner"):
            continue
        last[line] = (at, tier)
        yield _alarm(calls, scored, int(i), scorer, threshold, tier)


def tier_of(score: float, evidence: NDArray[np.float32], scorer: Scorer, threshold: Threshold) -> Tier:
    """`suspend` needs the higher threshold and, besides strangers, two cues of other kinds."""
    if score < threshold.suspend:
        return "call_owner"
    cues = sum(
        float(evidence[k]) >= SECOND_CUE_MIN for k, name in enumerate(scorer.groups) if name in SECOND_CUES
    )
    return "suspend" if cues >= SECOND_CUES_MIN else "call_owner"


def _alarm(calls: Calls, scored: Scored, i: int, scorer: Scorer, threshold: Threshold, tier: Tier) -> Alarm:
    record, line = int(scored.record[i]), int(scored.line[i])
    mine = np.flatnonzero(calls.caller_line[: record + 1] == line)
    starts = calls.start[mine]
    pauses = np.flatnonzero(np.diff(starts) > EPISODE_S)
    episode = mine[int(pauses[-1]) + 1 :] if len(pauses) else mine
    order = np.argsort(-scored.evidence[i])
    reasons = tuple(
        Reason(
            name=scorer.groups[k], weight=round(float(scored.evidence[i][k]), 3), says=MEANINGS[scorer.groups[k]]
        )
        for k in order
        if abs(float(scored.evidence[i][k])) >= 0.05
    )
    return Alarm(
        line=line,
        at=int(calls.end[record]),
        calls_placed=len(episode),
        first_call_at=int(calls.start[episode[0]]),
        tier=tier,
        score=round(float(scored.score[i]), 3),
        threshold=round(threshold.suspend if tier == "suspend" else threshold.call_owner, 3),
        reasons=reasons,
        calls=tuple(int(row) for row in episode[-CALLS_SHOWN_MAX:]),
    )
