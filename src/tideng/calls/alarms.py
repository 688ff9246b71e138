"""Alarms as ledger entries: what was seen, by commitments; and replayed, to the bit, from what was kept.
Pure."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from msgspec import Struct

from tideng.calls.detector.detecting import LINKAGE, REPORT, Alarm, Reason, reasons_of
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.layout import WIDTH_FEATURES
from tideng.calls.detector.outside import Weight
from tideng.evidence.commitment import commit
from tideng.evidence.entries import declare

MILLI: Final = 1_000


class CallAlarmEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A line was found to have begun calling like a fraudster's exit."""

    at: int
    calls_placed: int
    """By the line since its strangers began."""
    ended_at: int
    """When the last call it rests on ended, s UTC."""
    features: str
    """The row of features the score was made from: float32, little endian, hex."""
    kind: Literal["call_alarm/1"] = "call_alarm/1"
    line: str
    """Commitment to the line's number."""
    model: str
    """Version and hash of the detector model."""
    records: tuple[str, ...]
    """Commitments to the rows of the call records it rests on, newest last."""
    score: int
    """Sum of the evidence in thousandths of log odds."""
    threshold: int
    """What the score had to reach, in thousandths of log odds."""
    tier: str
    """call_owner, or suspend when there is an independent second cue."""
    weights: tuple[str, ...]
    """Evidence by name and thousandths, as rhythm:+1250; their sum is the score."""


class CallFeedbackEntry(Struct, frozen=True, kw_only=True, gc=False):
    """What a visit found about an alarm."""

    alarm: str
    """The case it belongs to."""
    at: int
    by: str
    """Account of the person who says so."""
    kind: Literal["call_feedback/1"] = "call_feedback/1"
    note: str = ""
    """Commitment to what was written down, under the case's key; empty when nothing was."""
    verdict: str
    """confirmed or not_confirmed."""


class CallPhotoEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A photograph was attached to the case of an alarm."""

    alarm: str
    """The case it belongs to."""
    at: int
    by: str
    """Account of the person who attached it."""
    kind: Literal["call_photo/1"] = "call_photo/1"
    photo: str
    """SHA-256 of its octets as they came, hex."""
    size: int
    """In octets."""
    what: str = ""
    """What it shows: box, wiring, telephone or papers; empty: something else."""


class CallReportEntry(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody says that a line called with a scam."""

    at: int
    by: str
    """Account of the person who wrote it down."""
    called_at: int
    """When the line called, s UTC, as the report says."""
    kind: Literal["call_report/1"] = "call_report/1"
    line: str
    """Commitment to the line's number."""


declare(
    "call_alarm/1",
    "A telephone line calls like a fraudster's exit; the evidence, by name.",
    "一条电话线路的呼叫像诈骗出口;附各项证据。",
)
declare(
    "call_report/1",
    "A report that a line called with a scam; evidence about the line's next calls.",
    "有人反映某线路打来诈骗电话;作为该线路后续呼叫的证据。",
)
declare("call_feedback/1", "What a visit found about a call alarm.", "上门核查对呼叫预警的结论。")
declare(
    "call_photo/1",
    "A photograph from a visit, attached to the alarm's case; by its hash.",
    "上门核查拍摄的照片归入该预警的核查;记录其哈希值。",
)


def entry_of(
    alarm: Alarm, *, at: int, line: str, rows: Sequence[str], key: bytes, scorer: Scorer
) -> CallAlarmEntry:
    """The entry for an alarm. `rows`: hashes of the raw records; `key`: 32 fresh bytes, kept with the
    case."""
    return CallAlarmEntry(
        at=at,
        calls_placed=alarm.calls_placed,
        ended_at=alarm.at,
        features=alarm.features.hex(),
        line=commit(key, "line:" + line),
        model=scorer.name,
        records=tuple(commit(key, "record:" + row) for row in rows),
        score=round(alarm.score * MILLI),
        threshold=round(alarm.threshold * MILLI),
        tier=alarm.tier,
        weights=tuple(f"{reason.name}:{round(reason.weight * MILLI):+d}" for reason in alarm.reasons),
    )


class NotReplayable(ValueError):
    """An entry cannot be replayed with this model. The message says why."""


def replay(
    features: str, model: str, scorer: Scorer, weights: Sequence[str] = ()
) -> tuple[int, tuple[Reason, ...]]:
    """The score in thousandths and the evidence, computed again from what the entry holds.

    `weights`: the entry's; a report and links are no features, so they are taken from there.
    """
    if model != scorer.name:
        raise NotReplayable(f"the entry was made by model {model}, this is {scorer.name}; load that one")
    raw = bytes.fromhex(features)
    if len(raw) != 4 * WIDTH_FEATURES:
        raise NotReplayable(f"{len(raw)} bytes of features; {4 * WIDTH_FEATURES} are needed")
    evidence = scorer.of(np.frombuffer(raw, "<f4").reshape(1, -1).astype(np.float32))[0]
    told = {name: int(value) / MILLI for name, _, value in (one.partition(":") for one in weights)}
    outside = Weight(told.get(REPORT, 0.0), told.get(LINKAGE, 0.0))
    score = round(float(scorer.model.offset + evidence.sum() + outside.total), 3)
    return round(score * MILLI), reasons_of(evidence, scorer, outside)
