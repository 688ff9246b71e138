"""Records stream in, alarms come out: the step between the store of records and the people who visit.

One `Watch` owns a shard of the lines. Feed it what was imported, in order of arrival; it walks each record
once,
calibrates with each new day, and opens a case per alarm. It is saved at moments of the caller's choice; what
came after is fed again, and opening a case twice is one case.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec
import numpy as np
from msgspec import Struct

from tideng.calls.alarms import entry_of
from tideng.calls.cases import Visit, Visits
from tideng.calls.columns import Calls
from tideng.calls.detector.calibrating import NO_SCORE, Threshold, shipped, threshold_of
from tideng.calls.detector.detecting import QUIET_AGAIN_S, STRANGERS_MIN, Alarm, Scored, cross, score_calls
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.lines import LineStates
from tideng.calls.detector.outside import REPORTS_MAX, Loud, Outside
from tideng.calls.records import CallRecord
from tideng.calls.register import NO_REGISTER, Register
from tideng.evidence.entries import encode_entry
from tideng.evidence.ledger import Ledger
from tideng.identifiers.keyed import keyed_hash

PEAK_DAYS_MAX: Final = 40
"""Days whose peaks the calibration remembers."""
DAYS_MIN: Final = 4
"""Days a population must have been seen before it moves the threshold."""
LINES_MAX: Final = 5_000_000
REPORTED_MAX: Final = 100_000
"""Reported numbers remembered that no record has named yet."""
CURVE_MAX: Final = 64
"""Scores remembered per line, for the picture of how the evidence added up."""
CURVES_MAX: Final = 20_000
"""Lines of which they are remembered: those whose strangers called last."""
CURVE_S: Final = 3 * 86_400
"""Seconds after which a score is no part of the same story."""


class LinesTooMany(ValueError):
    """More lines than one process is meant to hold. Shard by caller."""


class Announcer(Protocol):
    """Tells the outside of a new case: a webhook, a message. May fail; the case stands without it."""

    def announce(self, visit: Visit) -> None:
        """Tell once; whoever fulfils this retries by itself and does not raise."""


def number_key(number: str) -> int:
    """The detector's 64-bit key of a number: itself when it is digits, else a hash."""
    if number.isdigit() and len(number) <= 18 and number[0] != "0":
        return int(number)
    return int.from_bytes(hashlib.blake2b(number.encode(), digest_size=7).digest(), "big") + (1 << 62)


def is_line(record: CallRecord) -> bool:
    """True if the caller is a fixed line: not a mobile, not nobody."""
    mobile = len(record.caller) == 13 and record.caller.startswith("861") and record.caller[3] in "3456789"
    return not mobile and record.line_class not in ("mobile", "external", "outside")


class _Kept(Struct):
    lines: list[str]
    peaks: dict[int, dict[int, float]]
    last: dict[int, int]
    position: int
    suspended: dict[int, int] = msgspec.field(default_factory=dict)
    """By line, when it last came to the stronger tier; absent in states saved by earlier versions."""
    curves: dict[int, list[tuple[int, float]]] = msgspec.field(default_factory=dict)
    """By line, (end of a call, score); absent in states saved by earlier versions."""
    loud: Loud = msgspec.field(default_factory=dict)
    """By link, the lines that were loud lately; absent in states saved by earlier versions."""


def _lengthened(points: list[tuple[int, float]], point: tuple[int, float]) -> list[tuple[int, float]]:
    """The points that belong to the same story, with a newer one."""
    recent = [one for one in points if point[0] - one[0] < CURVE_S]
    return [*recent[1 - CURVE_MAX :], point]


class Watch:
    """See the module. Not thread-safe."""

    def __init__(
        self,
        scorer: Scorer,
        visits: Visits,
        ledger: Ledger,
        *,
        key: bytes,
        now: Callable[[], int],
        entropy: Callable[[int], bytes],
        zone_s: int = 28_800,
        announcers: Sequence[Announcer] = (),
        strictness: float = 0.0,
        register: Register = NO_REGISTER,
    ) -> None:
        """`key` names lines in case ids; `now`: microseconds UTC; `strictness`: what feedback adds;
        `register`: owner, address and links of lines."""
        self._scorer, self._visits, self._ledger = scorer, visits, ledger
        self._key, self._now, self._entropy = key, now, entropy
        self._zone_s, self._strictness = zone_s, strictness
        self._announcers = tuple(announcers)
        self._states = LineStates(0, zone_s=zone_s)
        self._register = register
        self._outside = Outside(scorer.model.threshold)
        self._reported: dict[str, list[int]] = {}
        self._index: dict[str, int] = {}
        self._kept = _Kept(lines=[], peaks={}, last={}, position=0)
        self.records = 0

    @property
    def threshold(self) -> Threshold:
        """The thresholds in force, by the peaks of the days so far."""
        days = self._kept.peaks
        line_days = len(days) * len(self._kept.lines)
        if len(days) < DAYS_MIN:
            return shipped(self._scorer.model).moved(self._strictness)
        peaks = np.full(len(self._kept.lines), NO_SCORE)
        for day in days.values():
            np.maximum.at(peaks, list(day), list(day.values()))
        return threshold_of(peaks, line_days, self._scorer.model).moved(self._strictness)

    @property
    def lines(self) -> int:
        """How many lines are watched."""
        return len(self._kept.lines)

    @property
    def position(self) -> int:
        """Number of the last part that was fed; set it with `feed`."""
        return self._kept.position

    def feed(self, records: Sequence[CallRecord], position: int = 0) -> list[Visit]:
        """Take records in order of arrival; the cases that were opened."""
        if not records:
            return []
        calls = self._columns(records)
        scored = score_calls(calls, self._states, self._scorer, self._outside)
        opened = []
        for alarm in cross(calls, scored, self._scorer, self.threshold):
            visit = self._raise(alarm, calls, scored, records)
            if visit is not None:
                opened.append(visit)
        self._trace(calls, scored)
        self._remember(calls, scored.record, scored.line, scored.score)
        self.records += len(records)
        self._kept.position = max(position, self._kept.position)
        return opened

    def report(self, line: str, at: int) -> None:
        """Somebody says that this line called with a scam at `at` (seconds UTC): evidence about the calls
        that are fed from now on. Not saved: tell it again after `restore`."""
        if line in self._index:
            self._outside.report(self._index[line], at)
        elif len(self._reported) < REPORTED_MAX:
            known = self._reported.setdefault(line, [])
            known.append(at)
            del known[:-REPORTS_MAX]

    def _meet(self, line: str) -> None:
        """Give a line its index, and say what is known of it besides its calls."""
        index = self._index[line] = len(self._index)
        self._outside.link(index, self._register.groups(line))
        for at in self._reported.pop(line, ()):
            self._outside.report(index, at)

    def _columns(self, records: Sequence[CallRecord]) -> Calls:
        for record in records:
            if record.caller not in self._index and is_line(record):
                if len(self._index) >= LINES_MAX:
                    raise LinesTooMany(f"more than {LINES_MAX:,} lines in one process; shard by caller")
                self._kept.lines.append(record.caller)
                self._meet(record.caller)
        self._states.grow(len(self._index))
        find = self._index.get
        return Calls(
            caller=np.array([number_key(r.caller) for r in records], np.uint64),
            callee=np.array([number_key(r.callee) for r in records], np.uint64),
            caller_line=np.array([find(r.caller, -1) for r in records], np.int32),
            callee_line=np.array([find(r.callee, -1) for r in records], np.int32),
            start=np.array([r.start_s for r in records], np.int64),
            ring_s=np.array([r.ring_s for r in records], np.int64),
            talk_s=np.array([r.talk_s for r in records], np.int64),
            answered=np.array([r.answered for r in records], np.bool_),
            lines=tuple(self._kept.lines),
            classes=(),
        )

    def _trace(self, calls: Calls, scored: Scored) -> None:
        """Remember how the evidence about each line came about, where there is any beyond the prior."""
        curves, end = self._kept.curves, calls.end[scored.record]
        for i in np.flatnonzero(scored.score >= self._scorer.model.offset):
            line, point = int(scored.line[i]), (int(end[i]), round(float(scored.score[i]), 3))
            # Put back last, so that the first is the line that was silent the longest.
            curves[line] = _lengthened(curves.pop(line, []), point)
            if len(curves) > CURVES_MAX:
                del curves[next(iter(curves))]

    def _curve(self, alarm: Alarm, calls: Calls, scored: Scored) -> tuple[tuple[int, float], ...]:
        """What is remembered of the line, and what these records add until the alarm."""
        points = self._kept.curves.get(alarm.line, [])
        end = calls.end[scored.record]
        floor = self._scorer.model.offset
        mine = (scored.line == alarm.line) & (scored.score >= floor) & (end <= alarm.at)
        for i in np.flatnonzero(mine)[-CURVE_MAX:]:
            points = _lengthened(points, (int(end[i]), round(float(scored.score[i]), 3)))
        return tuple(points)

    def _remember(self, calls: Calls, record: np.ndarray, line: np.ndarray, score: np.ndarray) -> None:
        days = ((calls.start[record] + self._zone_s) // 86_400).tolist()
        for day, who, value in zip(days, line.tolist(), score.tolist(), strict=True):
            peaks = self._kept.peaks.setdefault(day, {})
            if value > peaks.get(who, -1e9):
                peaks[who] = value
        for day in sorted(self._kept.peaks)[:-PEAK_DAYS_MAX]:
            del self._kept.peaks[day]

    def _raise(
        self, alarm: Alarm, calls: Calls, scored: Scored, records: Sequence[CallRecord]
    ) -> Visit | None:
        line = self._kept.lines[alarm.line]
        name = keyed_hash(self._key, "call-alarm", f"{line}|{alarm.at}|{alarm.tier}")
        if self._is_known(alarm):
            return None
        if self._visits.has(name):
            return None
        opening = self._entropy(32)
        at = self._ledger.now()
        rows = [records[i].raw for i in alarm.calls]
        entry = entry_of(alarm, at=at, line=line, rows=rows, key=opening, scorer=self._scorer)
        # The entry first: a case that nobody recorded must not exist. A crash between the two leaves an alarm
        # in the ledger whose case the next feed opens, with an entry of its own.
        position = self._ledger.append([encode_entry(entry)])
        visit = Visit(
            id=name,
            line=line,
            opened_at=at,
            tier=alarm.tier,
            calls_placed=alarm.calls_placed,
            first_call_at=alarm.first_call_at,
            alarm_at=alarm.at,
            score=alarm.score,
            threshold=alarm.threshold,
            reasons=tuple((reason.name, reason.weight) for reason in alarm.reasons),
            opening=opening.hex(),
            entry=position,
            curve=self._curve(alarm, calls, scored),
        )
        facts = self._register.facts(line)
        visit = msgspec.structs.replace(visit, owner=facts.owner, address=facts.address)
        # Kept to be told before the case is there: what is told twice has one id, what is never told is lost.
        for announcer in self._announcers:
            announcer.announce(visit)
        self._visits.open(visit)
        return visit

    def _is_known(self, alarm: Alarm) -> bool:
        """Whether the line has a case of this tier already, or the stronger; if not, it has from now on."""
        before = self._kept.suspended if alarm.tier == "suspend" else self._kept.last
        if alarm.at - before.get(alarm.line, 0) < QUIET_AGAIN_S:
            return True
        self._kept.last[alarm.line] = alarm.at
        if alarm.tier == "suspend":
            self._kept.suspended[alarm.line] = alarm.at
        return False

    def save(self, folder: Path) -> None:
        """Keep the lines' states and what belongs to them; a crash leaves the old or the new."""
        self._states.save(folder / f"states-{self._kept.position:06d}.npz")
        beside = folder / "watch.writing"
        self._kept.loud = self._outside.loud
        beside.write_bytes(msgspec.msgpack.encode(self._kept))
        beside.replace(folder / "watch.msgpack")
        for old in folder.glob("states-*.npz"):
            if old.name != f"states-{self._kept.position:06d}.npz":
                old.unlink()

    def restore(self, folder: Path) -> bool:
        """Take up what `save` kept, before anything is fed; False if there is nothing."""
        path = folder / "watch.msgpack"
        if not path.is_file():
            return False
        kept = msgspec.msgpack.decode(path.read_bytes(), type=_Kept)
        self._states = LineStates.load(folder / f"states-{kept.position:06d}.npz")
        self._kept = kept
        self._outside.loud = kept.loud
        for line in kept.lines:
            self._meet(line)
        return True


__all__ = ["STRANGERS_MIN", "Announcer", "LinesTooMany", "Watch", "is_line", "number_key"]
