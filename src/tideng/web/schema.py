"""The tables of accounts and sessions, as (version, SQL) steps of room "web".

Plain pairs, because this room and `storage` do not know each other: `assembly` makes migrations of them.
"""

from typing import Final

ROOM: Final = "web"

_FIRST: Final = """
CREATE TABLE account (
    name          TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,        -- argon2id (RFC 9106)
    roles         TEXT NOT NULL,        -- comma separated, sorted
    disabled      INTEGER NOT NULL DEFAULT 0,
    changed_at    INTEGER NOT NULL      -- microseconds, UTC
) WITHOUT ROWID;

CREATE TABLE session (
    id_hash    BLOB PRIMARY KEY,        -- SHA-256 of the cookie: a copy of this table signs nobody in
    account    TEXT NOT NULL REFERENCES account(name) ON DELETE CASCADE,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_account ON session(account);
"""

STEPS: Final[tuple[tuple[int, str], ...]] = ((1, _FIRST),)
