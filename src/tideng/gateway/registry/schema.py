"""The registry's tables. No number is in them: a recipient is the subject, its number's keyed hash."""

from typing import Final

from tideng.storage.migrations import Migration

ROOM: Final = "gateway_registry"

_FIRST: Final = """
CREATE TABLE registry_version (
    kind     TEXT NOT NULL,             -- customer, principal, signature, mandate, template, code_number
    id       TEXT NOT NULL,
    version  INTEGER NOT NULL,          -- 1, 2, 3 … per kind and id
    body     TEXT NOT NULL,             -- canonical JSON; its SHA-256 is in the entry
    at       INTEGER NOT NULL,          -- microseconds, UTC
    by       TEXT NOT NULL,
    position INTEGER NOT NULL,          -- ledger index of the registry/1 entry
    PRIMARY KEY (kind, id, version)
);

-- One row per agreement: the same wording agreed to again at another time is another consent.
CREATE TABLE consent (
    subject    TEXT NOT NULL,           -- keyed hash of the recipient's number
    principal  TEXT NOT NULL,
    category   TEXT NOT NULL,
    wording    TEXT NOT NULL,
    channel    TEXT NOT NULL,
    given_at   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,        -- 0: no end was agreed
    proof_hash TEXT NOT NULL,
    position   INTEGER NOT NULL,
    PRIMARY KEY (subject, principal, category, wording, channel, given_at)
) WITHOUT ROWID;

CREATE TABLE opt_out (
    subject   TEXT NOT NULL,
    principal TEXT NOT NULL,            -- '*': every principal
    at        INTEGER NOT NULL,
    source    TEXT NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (subject, principal)
) WITHOUT ROWID;

-- Opens the subject in a consent/1 or opt_out/1 entry. Kept when an opt-out is withdrawn, because both
-- entries may have to be shown; deleted when the person is erased.
CREATE TABLE registry_opening (
    position INTEGER PRIMARY KEY,
    subject  TEXT NOT NULL,
    opening  BLOB NOT NULL
);
CREATE INDEX registry_opening_subject ON registry_opening(subject);
"""

MIGRATIONS: Final = (Migration(1, _FIRST),)
