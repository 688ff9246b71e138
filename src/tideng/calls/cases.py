"""The case an alarm opens: visit the line. A promise, and its fulfilments in memory and in SQLite.

Until the shared case rooms exist, this product owns the promise; `assembly` will connect them later.
"""

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec
from msgspec import Struct

State = Literal["open", "visited", "confirmed", "not_confirmed"]

LOOK_FOR: Final = (
    (
        "机顶盒、路由器旁是否多出不认识的盒子,电话线是否接入其中",
        "a box nobody knows beside the router, with the telephone line in it",
    ),
    ("电话机是否仍能拨出,听筒内是否有拨号音", "whether the telephone still gives a dial tone"),
    (
        "盒子的品牌、串号、网络连接;拔线前先拍照",
        "make, serial number and cabling of the box; photograph before unplugging",
    ),
)
QUESTIONS: Final = (
    (
        "最近谁来家里装过或修过电话、宽带、机顶盒?有工单或证件吗?",
        "who installed or repaired anything lately, and with what papers?",
    ),
    ("是否有人叫您这几天不要用电话?", "did anybody ask you not to use the telephone for some days?"),
    ("是否有人付钱或送礼,要放设备在您家?", "did anybody pay or give presents for keeping a device?"),
)
PHOTOS: Final = ("盒子正面与铭牌 / front and label", "接线 / wiring", "电话机 / telephone", "工单 / papers")


class Visit(Struct, frozen=True, kw_only=True):
    """A line to be visited, and what is known about it."""

    id: str
    """The alarm's: line's keyed hash and moment; opening it twice is one case."""
    line: str
    opened_at: int
    """Microseconds UTC."""
    tier: str
    calls_placed: int
    first_call_at: int
    alarm_at: int
    score: float
    threshold: float
    reasons: tuple[tuple[str, float], ...]
    state: State = "open"
    owner: str = ""
    address: str = ""
    entry: int = -1
    """Position of the alarm's entry in the ledger."""
    opening: str = ""
    """Key that opens the entry's commitments, hex; erased with the case."""
    closed_at: int = 0
    by: str = ""
    note: str = ""
    """What the visitor wrote down; the feedback's entry holds a commitment to it."""
    curve: tuple[tuple[int, float], ...] = ()
    """(seconds UTC, score) after each call to a stranger that led to the alarm; kept by the watch."""


class Before(Struct, frozen=True):
    """A place in the list of cases: what follows it is older, or as old with a greater id."""

    alarm_at: int
    id: str

    def is_before(self, visit: Visit) -> bool:
        """Whether `visit` follows this place."""
        return (-self.alarm_at, self.id) < (-visit.alarm_at, visit.id)


class VisitUnknown(LookupError):
    """There is no such case."""


class Visits(Protocol):
    """Cases *visit the line*. Opening is idempotent by id; what a call returned for is kept (memory
    excepted)."""

    def open(self, visit: Visit) -> bool:
        """True if it is new; False if a case with this id was there, which stays as it is."""

    def has(self, id: str) -> bool:
        """Whether there is a case with this id."""

    def get(self, id: str) -> Visit:
        """One case. `VisitUnknown` if there is none."""

    def all(
        self,
        *,
        state: State | None = None,
        tier: str | None = None,
        before: "Before | None" = None,
        limit: int = 1000,
    ) -> list[Visit]:
        """Newest first; those of one state or tier, and those that follow `before` in that order."""

    def counts(self) -> dict[State, int]:
        """How many cases are in each state; states without any are absent."""

    def of_line(self, line: str) -> list[Visit]:
        """All cases of one line, newest first."""

    def close(self, id: str, state: State, *, at: int, by: str, note: str = "") -> Visit:
        """What the visit found; the changed case. `VisitUnknown` if there is none."""


class MemoryVisits:
    """Fulfils `Visits` except for keeping: gone with the process."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}

    def open(self, visit: Visit) -> bool:
        """See `Visits`."""
        if visit.id in self._visits:
            return False
        self._visits[visit.id] = visit
        return True

    def has(self, id: str) -> bool:
        """See `Visits`."""
        return id in self._visits

    def get(self, id: str) -> Visit:
        """See `Visits`."""
        if id not in self._visits:
            raise VisitUnknown(f"there is no case {id}")
        return self._visits[id]

    def all(
        self,
        *,
        state: State | None = None,
        tier: str | None = None,
        before: Before | None = None,
        limit: int = 1000,
    ) -> list[Visit]:
        """See `Visits`."""
        chosen = [
            visit
            for visit in self._visits.values()
            if state in (None, visit.state)
            and tier in (None, visit.tier)
            and (before is None or before.is_before(visit))
        ]
        return sorted(chosen, key=lambda visit: (-visit.alarm_at, visit.id))[:limit]

    def counts(self) -> dict[State, int]:
        """See `Visits`."""
        return dict(Counter(visit.state for visit in self._visits.values()))

    def of_line(self, line: str) -> list[Visit]:
        """See `Visits`."""
        return [visit for visit in self.all(limit=len(self._visits)) if visit.line == line]

    def close(self, id: str, state: State, *, at: int, by: str, note: str = "") -> Visit:
        """See `Visits`."""
        changed = msgspec.structs.replace(self.get(id), state=state, closed_at=at, by=by, note=note)
        self._visits[id] = changed
        return changed


_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS visit (
    id TEXT PRIMARY KEY, line TEXT NOT NULL, state TEXT NOT NULL, alarm_at INTEGER NOT NULL, body BLOB NOT
    NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS visit_line ON visit (line);
CREATE INDEX IF NOT EXISTS visit_newest ON visit (alarm_at DESC, id);
"""
# The body is JSON in a BLOB, which newer SQLite would take for its own binary JSON: hence the cast.
_LIST: Final = """
SELECT body FROM visit
WHERE (:state IS NULL OR state = :state)
  AND (:tier IS NULL OR json_extract(CAST(body AS TEXT), '$.tier') = :tier)
  AND (:at IS NULL OR alarm_at < :at OR (alarm_at = :at AND id > :id))
ORDER BY alarm_at DESC, id LIMIT :limit
"""


class SqliteVisits:
    """Fulfils `Visits` in one SQLite file, synced at every change. One process writes."""

    def __init__(self, path: Path) -> None:
        """Makes the file if there is none."""
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)

    def shut(self) -> None:
        """Close the file."""
        self._db.close()

    def open(self, visit: Visit) -> bool:
        """See `Visits`."""
        row = (visit.id, visit.line, visit.state, visit.alarm_at, msgspec.json.encode(visit))
        return self._db.execute("INSERT OR IGNORE INTO visit VALUES (?, ?, ?, ?, ?)", row).rowcount == 1

    def has(self, id: str) -> bool:
        """See `Visits`."""
        return self._db.execute("SELECT 1 FROM visit WHERE id = ?", (id,)).fetchone() is not None

    def get(self, id: str) -> Visit:
        """See `Visits`."""
        row = self._db.execute("SELECT body FROM visit WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise VisitUnknown(f"there is no case {id}")
        return msgspec.json.decode(row[0], type=Visit)

    def all(
        self,
        *,
        state: State | None = None,
        tier: str | None = None,
        before: Before | None = None,
        limit: int = 1000,
    ) -> list[Visit]:
        """See `Visits`."""
        rows = self._db.execute(
            _LIST,
            {
                "state": state,
                "tier": tier,
                "at": before.alarm_at if before else None,
                "id": before.id if before else "",
                "limit": limit,
            },
        )
        return [msgspec.json.decode(row[0], type=Visit) for row in rows]

    def counts(self) -> dict[State, int]:
        """See `Visits`."""
        return dict(self._db.execute("SELECT state, count(*) FROM visit GROUP BY state").fetchall())

    def of_line(self, line: str) -> list[Visit]:
        """See `Visits`."""
        rows = self._db.execute("SELECT body FROM visit WHERE line = ? ORDER BY alarm_at DESC, id", (line,))
        return [msgspec.json.decode(row[0], type=Visit) for row in rows]

    def close(self, id: str, state: State, *, at: int, by: str, note: str = "") -> Visit:
        """See `Visits`."""
        changed = msgspec.structs.replace(self.get(id), state=state, closed_at=at, by=by, note=note)
        self._db.execute(
            "UPDATE visit SET state = ?, body = ? WHERE id = ?", (state, msgspec.json.encode(changed), id)
        )
        return changed
