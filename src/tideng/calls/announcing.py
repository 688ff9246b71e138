"""Cases told to other systems by webhook: kept before they are sent, sent again until somebody took them."""

import hmac
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from tideng.calls.cases import Visit

RETRY_FIRST_S: Final = 30
RETRY_MAX_S: Final = 3_600
ATTEMPTS_MAX: Final = 50
SECRET_OCTETS_MIN: Final = 16
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS told (
    id TEXT PRIMARY KEY, body BLOB NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, done
    INTEGER NOT NULL
) WITHOUT ROWID
"""

Post = Callable[[bytes, dict[str, str]], int]
"""Sends a body with headers; the HTTP status, or 0 when nobody answered. Does not raise."""


class WebhookAnnouncer:
    """Fulfils `watching.Announcer`. The receiver may see a case twice and knows it by its id."""

    def __init__(self, path: Path, secret: bytes, now_s: Callable[[], int]) -> None:
        """`path`: the SQLite file that keeps what is to be told; `secret` signs bodies (HMAC-SHA-256)."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_SCHEMA)
        self._secret, self._now_s = secret, now_s

    def announce(self, visit: Visit) -> None:
        """Keep it; `deliver` sends it."""
        told = {
            name: getattr(visit, name)
            for name in visit.__struct_fields__
            if name not in ("opening", "owner", "address", "note", "curve")
        }
        body = msgspec.json.encode({"event": "call_alarm", **told})
        self._db.execute("INSERT OR IGNORE INTO told VALUES (?, ?, 0, ?, 0)", (visit.id, body, self._now_s()))

    def deliver(self, post: Post) -> int:
        """Send what is due; how many were taken (2xx). The others wait twice as long each time, within
        limits."""
        now, taken = self._now_s(), 0
        due = self._db.execute(
            "SELECT id, body, attempts FROM told WHERE done = 0 AND attempts < ? AND next_at <= ?",
            (ATTEMPTS_MAX, now),
        ).fetchall()
        for id, body, attempts in due:
            seal = hmac.digest(self._secret, body, "sha256").hex()
            status = post(body, {"Content-Type": "application/json", "Tideng-Signature": f"sha256={seal}"})
            is_taken = 200 <= status < 300
            wait = min(RETRY_MAX_S, RETRY_FIRST_S << min(attempts, 10))
            self._db.execute(
                "UPDATE told SET attempts = attempts + 1, next_at = ?, done = ? WHERE id = ?",
                (now + wait, is_taken, id),
            )
            taken += is_taken
        return taken

    def waiting(self) -> int:
        """Cases nobody has taken yet."""
        row = self._db.execute("SELECT count(*) FROM told WHERE done = 0").fetchone()
        return int(row[0])

    def shut(self) -> None:
        """Close the file."""
        self._db.close()
