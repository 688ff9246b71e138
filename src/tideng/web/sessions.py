"""Sessions live in the database; the browser holds 256 random bits, the table only their SHA-256."""

import hmac
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from msgspec import Struct

from tideng.web.accounts import ROLES, Account
from tideng.web.database import Database

SECOND: Final = 1_000_000
SECRET_BYTES: Final = 32
IDLE_S_MAX: Final = 3_600.0
"""Seconds without any act of the person before a session ends (NIST SP 800-63B §2.2.3: an hour)."""
SEEN_EVERY_S: Final = 60
"""A request is noted at most this often: reading pages must not keep the writer busy."""
PER_ACCOUNT_MAX: Final = 20


class Session(Struct, frozen=True):
    """Someone is signed in."""

    account: Account
    secret: str
    """The cookie's value; never stored, never logged."""

    @property
    def form_token(self) -> str:
        """What every form of this session must carry."""
        return form_token(self.secret)


class Sessions:
    """Starts, finds and ends sessions. `find` belongs to the event loop's thread."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], int],
        entropy: Callable[[int], bytes],
        hours: float,
        idle_s: float = IDLE_S_MAX,
    ) -> None:
        """`now`: microseconds UTC. `hours`: how long a session lasts at most."""
        self._database = database
        self._now = now
        self._entropy = entropy
        self._lasts = int(hours * 3600 * SECOND)
        self._idle = int(idle_s * SECOND)
        self._reader = database.reader()

    async def start(self, account: Account, replaces: str = "") -> Session:
        """A new session under a new secret; the one it replaces ends (no session fixation).

        Durable when it returns. An account's oldest sessions end when it has more than `PER_ACCOUNT_MAX`.
        """
        secret = self.fresh_secret()
        now = self._now()

        def work(conn: sqlite3.Connection) -> None:
            conn.execute(
                "DELETE FROM session WHERE expires_at <= ? OR seen_at <= ? OR id_hash = ?",
                (now, now - self._idle, _hashed(replaces)),
            )
            conn.execute(
                "INSERT INTO session (id_hash, account, seen_at, expires_at) VALUES (?, ?, ?, ?)",
                (_hashed(secret), account.name, now, now + self._lasts),
            )
            conn.execute(
                "DELETE FROM session WHERE id_hash IN (SELECT id_hash FROM session WHERE account = ? "
                "ORDER BY expires_at DESC LIMIT -1 OFFSET ?)",
                (account.name, PER_ACCOUNT_MAX),
            )

        await self._database.run(work)
        return Session(account, secret)

    async def find(self, secret: str, *, is_act: bool = True) -> Session | None:
        """The session of this cookie; None when unknown, ended, idle too long, or its account disabled.

        `is_act` False (a page refreshing itself) does not count as activity.
        """
        if len(secret) != 2 * SECRET_BYTES:
            return None
        now = self._now()
        row = self._reader.execute(
            "SELECT a.name, a.roles, s.seen_at FROM session s JOIN account a ON a.name = s.account "
            "WHERE s.id_hash = ? AND s.expires_at > ? AND s.seen_at > ? AND a.disabled = 0",
            (_hashed(secret), now, now - self._idle),
        ).fetchone()
        if row is None:
            return None
        name, roles, seen_at = row
        if is_act and now - seen_at >= SEEN_EVERY_S * SECOND:
            await self._database.run(
                lambda conn: conn.execute(
                    "UPDATE session SET seen_at = ? WHERE id_hash = ?", (now, _hashed(secret))
                )
            )
        return Session(Account(name, tuple(role for role in ROLES if role in roles.split(","))), secret)

    async def end(self, secret: str) -> None:
        """Sign out: the cookie is worthless when this returns."""
        await self._database.run(
            lambda conn: conn.execute("DELETE FROM session WHERE id_hash = ?", (_hashed(secret),))
        )

    def fresh_secret(self) -> str:
        """256 random bits in hex."""
        return self._entropy(SECRET_BYTES).hex()

    def close(self) -> None:
        """Let go of the reading connection."""
        self._reader.close()


def form_token(secret: str) -> str:
    """Proves that a form came from our own page: only who reads the cookie can make it."""
    return hmac.digest(secret.encode(), b"form", "sha256").hex()


def is_form_token(token: str, secret: str) -> bool:
    """Compared in constant time."""
    return bool(secret) and hmac.compare_digest(token.encode(), form_token(secret).encode())


def _hashed(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
