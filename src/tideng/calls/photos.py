"""Photographs that a visit brought back: what one is, and a case's kept in memory or in SQLite."""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, Protocol

import msgspec
from msgspec import Struct

from tideng.calls.cases import PHOTOS

FILE: Final = "photos.db"
OCTETS_MAX: Final = 12_000_000
"""Of one photograph; telephones make 2 to 8 MB."""
PHOTOS_MAX: Final = 24
"""Of one case."""
SUBJECTS: Final[Mapping[str, str]] = MappingProxyType(
    dict(zip(("box", "wiring", "telephone", "papers"), PHOTOS, strict=True))
)
"""What a photograph may show, by the name that entries keep. Never renamed, as `PHOTOS` may be."""

Kind = Literal["image/jpeg", "image/png", "image/webp"]
Problem = Literal["empty", "too_large", "kind", "subject", "too_many"]
SUFFIXES: Final[Mapping[Kind, str]] = MappingProxyType(
    {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
)


class PhotoInvalid(ValueError):
    """This cannot be kept as a photograph. The message names the value, the limit and the next step."""

    def __init__(self, message: str, *, problem: Problem) -> None:
        """`problem`: which rule it breaks."""
        super().__init__(message)
        self.problem = problem


class PhotoUnknown(LookupError):
    """The case has no such photograph."""


class Photo(Struct, frozen=True, kw_only=True):
    """A photograph of one case, without its octets."""

    id: str
    """SHA-256 of its octets, hex: the same picture twice is one."""
    case: str
    kind: Kind
    """By its leading octets; never by its name."""
    size: int
    """In octets."""
    at: int
    """When it was attached, microseconds UTC."""
    by: str
    what: str = ""
    """What it shows, one of `SUBJECTS`; empty: something else."""


def photo_of(octets: bytes, *, case: str, at: int, by: str, what: str = "") -> Photo:
    """The photograph these octets are; nothing in them is changed. Raises `PhotoInvalid`."""
    check_size(len(octets))
    if what and what not in SUBJECTS:
        raise PhotoInvalid(
            f"what is {what[:40]!r}; choose one of {', '.join(SUBJECTS)}, or leave it empty",
            problem="subject",
        )
    kind = _kind_of(octets)
    id = hashlib.sha256(octets).hexdigest()
    return Photo(id=id, case=case, kind=kind, size=len(octets), at=at, by=by, what=what)


def check_size(size: int) -> None:
    """Raises `PhotoInvalid` for what is empty or too large, before it need be read."""
    if size <= 0:
        raise PhotoInvalid("photograph is empty; choose a file with a picture in it", problem="empty")
    if size > OCTETS_MAX:
        raise PhotoInvalid(
            f"photograph is {size:,} octets; limit is {OCTETS_MAX:,}. Make it smaller, or take it again with "
            "a lower resolution.",
            problem="too_large",
        )


def _kind_of(octets: bytes) -> Kind:
    if octets.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if octets.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if octets.startswith(b"RIFF") and octets[8:12] == b"WEBP":
        return "image/webp"
    raise PhotoInvalid(
        f"photograph begins with {octets[:8].hex(' ')}, which is no JPEG, PNG or WebP; send it as JPEG",
        problem="kind",
    )


def _full(case: str) -> PhotoInvalid:
    return PhotoInvalid(
        f"case {case[:16]} has {PHOTOS_MAX} photographs; limit is {PHOTOS_MAX}. Keep further ones in the "
        "file and name them in the note.",
        problem="too_many",
    )


Before = Callable[[], object]


def nothing() -> None:
    """Nothing need be done before a picture is kept."""


class Photos(Protocol):
    """Photographs by case. Adding is idempotent by case and id; what a call returned for is kept (memory
    excepted)."""

    def add(self, photo: Photo, octets: bytes, first: Before = nothing) -> bool:
        """True if it is new; False if the case had this picture, which stays as it is. `PhotoInvalid` if the
        case has `PHOTOS_MAX` others.

        `first` is called before it is kept, when only a crash can still prevent that; what it raises is
        raised, and nothing is kept.
        """

    def of_case(self, case: str) -> list[Photo]:
        """Those of a case, in order of arrival."""

    def get(self, case: str, id: str) -> tuple[Photo, bytes]:
        """One photograph and its octets. `PhotoUnknown` if the case has none such."""

    def count(self, case: str) -> int:
        """How many a case has."""


class MemoryPhotos:
    """Fulfils `Photos` except for keeping: gone with the process."""

    def __init__(self) -> None:
        self._photos: dict[str, dict[str, tuple[Photo, bytes]]] = {}

    def add(self, photo: Photo, octets: bytes, first: Before = nothing) -> bool:
        """See `Photos`."""
        if photo.id in self._photos.get(photo.case, {}):
            return False
        if self.count(photo.case) >= PHOTOS_MAX:
            raise _full(photo.case)
        first()
        self._photos.setdefault(photo.case, {})[photo.id] = (photo, octets)
        return True

    def of_case(self, case: str) -> list[Photo]:
        """See `Photos`."""
        return [photo for photo, _ in self._photos.get(case, {}).values()]

    def get(self, case: str, id: str) -> tuple[Photo, bytes]:
        """See `Photos`."""
        found = self._photos.get(case, {}).get(id)
        if found is None:
            raise PhotoUnknown(f"case {case[:16]} has no photograph {id[:16]}")
        return found

    def count(self, case: str) -> int:
        """See `Photos`."""
        return len(self._photos.get(case, {}))


# Octets last: a list of a case's photographs then reads none of the pages that hold them.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS photo (
    number INTEGER PRIMARY KEY, of_case TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, octets BLOB NOT
    NULL, UNIQUE (of_case, id)
)
"""
# One statement: two who add at once cannot pass the limit together.
_ADD: Final = """
INSERT OR IGNORE INTO photo (of_case, id, body, octets)
SELECT :case, :id, :body, :octets WHERE (SELECT count(*) FROM photo WHERE of_case = :case) < :limit
"""


class SqlitePhotos:
    """Fulfils `Photos` in one SQLite file, synced at every change. One process writes."""

    def __init__(self, path: Path) -> None:
        """Makes the file if there is none."""
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_SCHEMA)

    def shut(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, photo: Photo, octets: bytes, first: Before = nothing) -> bool:
        """See `Photos`."""
        row = {
            "case": photo.case,
            "id": photo.id,
            "body": msgspec.json.encode(photo),
            "octets": octets,
            "limit": PHOTOS_MAX,
        }
        self._db.execute("BEGIN IMMEDIATE")
        try:
            is_new = self._db.execute(_ADD, row).rowcount == 1
            if is_new:
                first()
            elif not self._has(photo):
                raise _full(photo.case)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return is_new

    def _has(self, photo: Photo) -> bool:
        row = (photo.case, photo.id)
        found = self._db.execute("SELECT 1 FROM photo WHERE of_case = ? AND id = ?", row)
        return found.fetchone() is not None

    def of_case(self, case: str) -> list[Photo]:
        """See `Photos`."""
        rows = self._db.execute("SELECT body FROM photo WHERE of_case = ? ORDER BY number", (case,))
        return [msgspec.json.decode(row[0], type=Photo) for row in rows]

    def get(self, case: str, id: str) -> tuple[Photo, bytes]:
        """See `Photos`."""
        row = self._db.execute(
            "SELECT body, octets FROM photo WHERE of_case = ? AND id = ?", (case, id)
        ).fetchone()
        if row is None:
            raise PhotoUnknown(f"case {case[:16]} has no photograph {id[:16]}")
        return msgspec.json.decode(row[0], type=Photo), row[1]

    def count(self, case: str) -> int:
        """See `Photos`."""
        row = self._db.execute("SELECT count(*) FROM photo WHERE of_case = ?", (case,)).fetchone()
        return int(row[0])
