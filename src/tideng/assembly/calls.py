"""The calls product connected: store of records, states, cases, ledger; and one line looked at."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np
from msgspec import Struct

from tideng.calls.alarms import CallFeedbackEntry, CallPhotoEntry, CallReportEntry
from tideng.calls.cases import SqliteVisits, Visit, Visits, VisitUnknown
from tideng.calls.columns import Calls, line_calls
from tideng.calls.detector.calibrating import calibrate, feedback_shift
from tideng.calls.detector.detecting import Alarm, cross, score_calls
from tideng.calls.detector.evidence import Scorer
from tideng.calls.detector.lines import LineStates
from tideng.calls.detector.outside import NOTHING, Outside
from tideng.calls.detector.shipped import shipped_model
from tideng.calls.importing import CallStore
from tideng.calls.photos import FILE as PHOTOS
from tideng.calls.photos import Photo, Photos, SqlitePhotos, photo_of
from tideng.calls.picture import document, picture
from tideng.calls.readers.plain import load
from tideng.calls.register import FILE as REGISTER
from tideng.calls.register import NO_REGISTER, Register, read_register
from tideng.calls.reports import FILE as REPORTS
from tideng.calls.reports import Report, ReportStore
from tideng.calls.visit import paper
from tideng.calls.watching import Announcer, Watch
from tideng.evidence.commitment import commit
from tideng.evidence.entries import encode_entry
from tideng.evidence.keys import secret_key
from tideng.evidence.ledger import Ledger

ZONE_S: Final = 28_800
VISITS: Final = "visits.db"
KEY: Final = "calls.key"


class Desk(Struct):
    """A watch with its store of records and its cases."""

    folder: Path
    store: CallStore
    visits: SqliteVisits
    watch: Watch
    reports: ReportStore
    told: int = 0
    """Number of the last report that the watch was told of."""

    def catch_up(self) -> list[Visit]:
        """Feed every part that the watch has not seen; the cases that were opened."""
        for report in self.reports.after(self.told):
            self.watch.report(report.line, report.called_at)
            self.told = report.number
        opened: list[Visit] = []
        parts = self.store.parts(self.watch.position)
        for part in parts:
            opened += self.watch.feed(self.store.records(part), part)
        if parts:
            self.watch.save(self.folder)
        return opened


@contextmanager
def open_watch(
    folder: Path,
    ledger: Ledger,
    *,
    now: Callable[[], int],
    entropy: Callable[[int], bytes],
    announcers: Sequence[Announcer] = (),
) -> Iterator[Desk]:
    """The watch over a folder of imported records; taken up where it was left. Raises `RegisterInvalid`."""
    register = _register(folder)
    store = CallStore(folder)
    visits = SqliteVisits(folder / VISITS)
    reports = ReportStore(folder / REPORTS)
    try:
        watch = Watch(
            Scorer(shipped_model()),
            visits,
            ledger,
            key=secret_key(folder / KEY),
            now=now,
            entropy=entropy,
            announcers=announcers,
            strictness=_strictness(visits),
            register=register,
        )
        watch.restore(folder)
        yield Desk(folder, store, visits, watch, reports)
    finally:
        reports.shut()
        visits.shut()
        store.close()


def _register(folder: Path) -> Register:
    return read_register(folder / REGISTER) if (folder / REGISTER).is_file() else NO_REGISTER


def _strictness(visits: Visits) -> float:
    """How far what visits found moves the thresholds."""
    counts = visits.counts()
    return feedback_shift(counts.get("confirmed", 0), counts.get("not_confirmed", 0))


class Seen(Struct, frozen=True, kw_only=True):
    """What the records say about one line."""

    line: str
    index: int
    calls: Calls
    scores: tuple[tuple[int, float], ...]
    threshold: float
    alarms: tuple[Alarm, ...]

    @property
    def placed(self) -> int:
        """Calls it placed."""
        return int((self.calls.caller_line == self.index).sum())

    @property
    def highest(self) -> float:
        """Its highest score; minus infinity when no call was worth scoring."""
        return max((score for _, score in self.scores), default=float("-inf"))

    def page(self) -> str:
        """Its picture as one HTML page."""
        placed = line_calls(self.calls, self.index)
        alarm_at = self.alarms[-1].at if self.alarms else None
        drawn = picture(placed, self.scores, self.threshold, zone_s=ZONE_S, alarm_at=alarm_at)
        return document(self.line, drawn, self.alarms)

    def paper(self, at: datetime) -> bytes:
        """The visiting officer's PDF for its newest alarm. LookupError if there was none."""
        if not self.alarms:
            raise LookupError("nothing alarmed on this line")
        alarm = self.alarms[-1]
        visit = Visit(
            id=f"{self.line}-{alarm.at}",
            line=self.line,
            opened_at=alarm.at * 1_000_000,
            tier=alarm.tier,
            calls_placed=alarm.calls_placed,
            first_call_at=alarm.first_call_at,
            alarm_at=alarm.at,
            score=alarm.score,
            threshold=alarm.threshold,
            reasons=tuple((r.name, r.weight) for r in alarm.reasons),
        )
        return paper(visit, at=at)


def look_at(paths: Sequence[Path], line: str, *, known: Path | None = None) -> Seen:
    """Walk the records and say everything about one line. LookupError if it is no watched line in them.

    `known`: the calls folder whose reports and register of lines count, as they do for its watch; but all of
    them from the first record on. Raises `RegisterInvalid`.
    """
    calls, _ = load(paths)
    wanted = {line, line.lstrip("+"), "86" + line.lstrip("0")}
    index = next((i for i, name in enumerate(calls.lines) if name in wanted), None)
    if index is None:
        raise LookupError(f"{line} placed no call in these records, or is no fixed line")
    scorer = Scorer(shipped_model())
    outside = _outside(known, calls.lines, scorer) if known else None
    scored = score_calls(calls, LineStates(len(calls.lines), zone_s=ZONE_S), scorer, outside)
    threshold = calibrate(calls, scored.line, scored.score, scorer.model, zone_s=ZONE_S)
    mine = np.flatnonzero(scored.line == index)
    return Seen(
        line=calls.lines[index],
        index=index,
        calls=calls,
        scores=tuple(
            (int(calls.end[scored.record[i]]), float(scored.score[i]) + scored.outside.get(i, NOTHING).total)
            for i in mine.tolist()
        ),
        threshold=threshold.call_owner,
        alarms=tuple(alarm for alarm in cross(calls, scored, scorer, threshold) if alarm.line == index),
    )


def _outside(folder: Path, lines: Sequence[str], scorer: Scorer) -> Outside:
    outside = Outside(scorer.model.threshold)
    register = _register(folder)
    index = {line: i for i, line in enumerate(lines)}
    for line, i in index.items():
        outside.link(i, register.groups(line))
    if (folder / REPORTS).is_file():
        reports = ReportStore(folder / REPORTS)
        try:
            for report in reports.after():
                if report.line in index:
                    outside.report(index[report.line], report.called_at)
        finally:
            reports.shut()
    return outside


def tell(
    folder: Path, ledger: Ledger, case: str, *, confirmed: bool, by: str, note: str = ""
) -> tuple[Visit, float]:
    """Close a case with what the visit found, record it, and say how the thresholds move. LookupError if
    unknown."""
    visits = SqliteVisits(folder / VISITS)
    try:
        found = _begins(visits, case)
        visit = judge(visits, ledger, found, confirmed=confirmed, by=by, note=note)
        return visit, _strictness(visits)
    finally:
        visits.shut()


def _begins(visits: Visits, case: str) -> Visit:
    fitting = [visit for visit in visits.all(limit=100_000) if visit.id.startswith(case)]
    if len(fitting) != 1:
        raise VisitUnknown(f"{len(fitting)} cases begin with {case!r}; give more of the id")
    return fitting[0]


def attach(
    folder: Path, ledger: Ledger, case: str, octets: bytes, *, what: str, by: str
) -> tuple[Photo, bool]:
    """Attach a photograph to a case by the beginning of its id; False if it had it. LookupError if unknown,
    or `PhotoInvalid`."""
    visits, photos = SqliteVisits(folder / VISITS), SqlitePhotos(folder / PHOTOS)
    try:
        return take_photo(photos, ledger, _begins(visits, case), octets, what=what, by=by)
    finally:
        photos.shut()
        visits.shut()


def take_photo(
    photos: Photos, ledger: Ledger, visit: Visit, octets: bytes, *, what: str, by: str
) -> tuple[Photo, bool]:
    """Record a photograph of a case and keep it; False if the case had it. Raises `PhotoInvalid`."""
    photo = photo_of(octets, case=visit.id, at=ledger.now(), by=by, what=what)
    entry = CallPhotoEntry(
        alarm=visit.id, at=photo.at, by=by, photo=photo.id, size=photo.size, what=photo.what
    )
    # The entry first, as with reports: what counts as evidence must be recorded. But not before it is sure
    # that the picture can be kept: an entry cannot be taken back.
    return photo, photos.add(photo, octets, lambda: ledger.append([encode_entry(entry)]))


def take_report(
    reports: ReportStore, ledger: Ledger, report: Report, entropy: Callable[[int], bytes]
) -> bool:
    """Record a report and keep it for the watch; False if the same person had reported the same call."""
    if reports.has(report):
        return False
    opening = entropy(32)
    line = commit(opening, "line:" + report.line)
    entry = CallReportEntry(at=ledger.now(), by=report.by, called_at=report.called_at, line=line)
    # The entry first, as with cases: what counts as evidence must be recorded.
    ledger.append([encode_entry(entry)])
    return reports.add(msgspec.structs.replace(report, opening=opening.hex()))


def judge(visits: Visits, ledger: Ledger, visit: Visit, *, confirmed: bool, by: str, note: str = "") -> Visit:
    """Record what the visit to one case found, then close the case with it."""
    at = ledger.now()
    verdict: Literal["confirmed", "not_confirmed"] = "confirmed" if confirmed else "not_confirmed"
    hidden = commit(bytes.fromhex(visit.opening), "note:" + note) if note else ""
    entry = CallFeedbackEntry(alarm=visit.id, at=at, by=by, note=hidden, verdict=verdict)
    ledger.append([encode_entry(entry)])
    return visits.close(visit.id, verdict, at=at, by=by, note=note)
