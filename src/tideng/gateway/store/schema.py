"""The gateway's tables. Text, numbers and openings live only in `sealed` columns, under a subject's key."""

from typing import Final

from tideng.storage.migrations import Migration

_FIRST: Final = """
CREATE TABLE message (
    id           INTEGER PRIMARY KEY,   -- MessageId: time-ordered
    customer     TEXT NOT NULL,
    principal    TEXT NOT NULL,
    category     TEXT NOT NULL,
    code_number  TEXT NOT NULL,
    door         TEXT NOT NULL,
    action       TEXT NOT NULL,         -- latest verdict: send, hold, refuse
    state        TEXT NOT NULL,         -- see store/states.py
    codes        TEXT NOT NULL,         -- finding codes, comma separated, strongest first
    position     INTEGER NOT NULL,      -- ledger index of the latest decision
    subject      TEXT NOT NULL,         -- keyed hash of the recipient
    text_key     TEXT NOT NULL,         -- keyed hash of the text
    reported     INTEGER NOT NULL,      -- registered_delivery as the customer asked
    maybe_sent   INTEGER NOT NULL DEFAULT 0,
    changed_at   INTEGER NOT NULL,
    sealed       BLOB NOT NULL          -- store/bodies.py
);
CREATE INDEX message_subject ON message(subject, id);
CREATE INDEX message_held ON message(id) WHERE state = 'held';

-- Where a message's life is in the ledger, in order.
CREATE TABLE life (
    message  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (message, position)
) WITHOUT ROWID;

-- Cleared and not yet accepted, refused or expired. `leased`: may be on a wire right now.
CREATE TABLE outbox (
    message  INTEGER PRIMARY KEY,
    due_at   INTEGER NOT NULL,
    leased   INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    accepted TEXT NOT NULL DEFAULT '{}' -- JSON: part -> the carrier's id, of parts already taken
);
CREATE INDEX outbox_due ON outbox(due_at) WHERE leased = 0;

-- The carrier's ids. `folded`: case-folded, zeros stripped, so that loose matches are one look-up.
CREATE TABLE part (
    carrier    TEXT NOT NULL,
    folded     TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    message    INTEGER NOT NULL,
    part       INTEGER NOT NULL,
    parts      INTEGER NOT NULL,
    state      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (carrier, folded, carrier_id)
) WITHOUT ROWID;
CREATE INDEX part_of_long ON part(message) WHERE parts > 1;

-- Reports that matched nothing yet: they may have overtaken the response.
CREATE TABLE orphan_report (
    id         INTEGER PRIMARY KEY,
    carrier    TEXT NOT NULL,
    folded     TEXT NOT NULL,
    report     BLOB NOT NULL,
    seen_at    INTEGER NOT NULL
);

-- What customers have still to be told: reports and replies.
CREATE TABLE mailbox (
    id       INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    kind     TEXT NOT NULL,             -- report, inbound
    message  INTEGER NOT NULL,          -- 0: a reply that answers no message we know
    state    TEXT NOT NULL,
    error    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    sealed   BLOB NOT NULL              -- replies: numbers and text; reports: empty
);
CREATE INDEX mailbox_customer ON mailbox(customer, id);

-- Replies, kept for the customer's GET /v1/inbound after they were delivered.
CREATE TABLE inbound (
    id          INTEGER PRIMARY KEY,
    customer    TEXT NOT NULL,
    principal   TEXT NOT NULL,
    code_number TEXT NOT NULL,
    meaning     TEXT NOT NULL,
    position    INTEGER NOT NULL,
    subject     TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    sealed      BLOB NOT NULL
);
CREATE INDEX inbound_customer ON inbound(customer, id);

-- Parts of long messages whose other parts have not come, from customers and from phones.
CREATE TABLE fragment (
    origin   TEXT NOT NULL,             -- customer:<id> or carrier:<id>
    series   TEXT NOT NULL,             -- keyed hash of sender, recipient, reference, total
    part     INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    sealed   BLOB NOT NULL,
    PRIMARY KEY (origin, series, part)
) WITHOUT ROWID;
CREATE INDEX fragment_age ON fragment(seen_at);

CREATE TABLE idempotency (
    customer     TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    response     BLOB NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (customer, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency(at);

CREATE TABLE tally (
    day  INTEGER NOT NULL,              -- days since 1970-01-01 in the operator's time zone
    what TEXT NOT NULL,                 -- action or state
    n    INTEGER NOT NULL,
    PRIMARY KEY (day, what)
) WITHOUT ROWID;
"""

_SECOND: Final = """
-- Whom a reply concerns, and which replies concern somebody: for the completeness index and for erasure.
CREATE INDEX inbound_position ON inbound(position);
CREATE INDEX inbound_subject ON inbound(subject);
"""

_THIRD: Final = """
-- Steps in the handling of complaints, in order of their entries.
CREATE TABLE complaint (
    position INTEGER PRIMARY KEY,
    message  INTEGER NOT NULL,
    number   TEXT NOT NULL,
    step     TEXT NOT NULL,
    at       INTEGER NOT NULL,
    due_at   INTEGER NOT NULL,
    by       TEXT NOT NULL,
    subject  TEXT NOT NULL,
    sealed   BLOB NOT NULL
);
CREATE INDEX complaint_message ON complaint(message);
"""

MIGRATIONS: Final = (Migration(1, _FIRST), Migration(2, _SECOND), Migration(3, _THIRD))
