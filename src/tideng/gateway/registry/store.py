"""Keeps the registry: versions, consents and opt-outs, each committed together with its ledger entry.

Functions ending in `_in` run inside a job of the writer; the others read. Every look-up for a batch is one
statement that gives one row back, because each row costs a turn at the interpreter lock (storage/bulk).
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from tideng.evidence.commitment import commit, fresh_keys
from tideng.evidence.entries import encode_entry
from tideng.gateway.messages import Micros
from tideng.gateway.registry.entries import ConsentEntry, OptOutEntry, RegistryEntry
from tideng.gateway.registry.kinds import TYPES, kind_of
from tideng.gateway.registry.values import Consent, OptOut, RegistryObject
from tideng.storage.bulk import BulkInsert, rows_json

Entropy = Callable[[int], bytes]


class Appends(Protocol):
    """The ledger, inside a writer's job."""

    def append_in(self, conn: sqlite3.Connection, leaves: Sequence[bytes]) -> int:
        """The index of the first; the others follow it. Durable with the job's transaction."""
        ...


class Version(Struct, frozen=True, kw_only=True):
    """One version of one object as it was recorded: what, since when, by whom, and where in the ledger."""

    kind: str
    id: str
    version: int
    item: RegistryObject
    at: Micros
    by: str
    position: int


_BODY: Final = msgspec.json.Encoder(order="sorted")
_READ: Final = {kind: msgspec.json.Decoder(object_type) for kind, object_type in TYPES.items()}
_ROWS: Final = msgspec.json.Decoder(list[tuple[str, str]])
_CONSENTS: Final = msgspec.json.Decoder(list[tuple[str, str, str, int, str, int]])
_INDICES: Final = msgspec.json.Decoder(list[int])

_VERSIONS: Final = BulkInsert("registry_version", ("kind", "id", "version", "body", "at", "by", "position"))
_CONSENT_COLUMNS: Final = "subject principal category wording channel given_at expires_at proof_hash position"
_CONSENT: Final = BulkInsert("consent", _CONSENT_COLUMNS.split())
_OPT_OUT: Final = BulkInsert("opt_out", ("subject", "principal", "at", "source", "position"))
_OPENING: Final = BulkInsert("registry_opening", ("position", "subject", "opening"), blobs=("opening",))


def canonical_body(item: RegistryObject) -> bytes:
    """The bytes whose SHA-256 the entry carries: JSON as in RFC 8785, keys sorted, no white space."""
    return _BODY.encode(item)


def record_versions_in(
    conn: sqlite3.Connection,
    ledger: Appends,
    changes: Sequence[tuple[RegistryObject, int]],
    *,
    at: Micros,
    by: str,
) -> list[Version]:
    """New versions and their entries. Raises `sqlite3.IntegrityError` if a version exists already."""
    bodies = [canonical_body(item) for item, _ in changes]
    leaves = [
        encode_entry(
            RegistryEntry(
                at=at,
                body=sha256(body).hexdigest(),
                by=by,
                object_id=item.id,
                object_kind=kind_of(item),
                version=version,
            )
        )
        for (item, version), body in zip(changes, bodies, strict=True)
    ]
    first = ledger.append_in(conn, leaves)
    positions = range(first, first + len(leaves))
    recorded = [
        Version(kind=kind_of(item), id=item.id, version=version, item=item, at=at, by=by, position=position)
        for (item, version), position in zip(changes, positions, strict=True)
    ]
    rows = [
        (new.kind, new.id, new.version, body.decode(), at, by, new.position)
        for new, body in zip(recorded, bodies, strict=True)
    ]
    _VERSIONS.insert(conn, rows)
    return recorded


_COLUMNS: Final = "kind, id, version, body, at, by, position"


def current_versions(conn: sqlite3.Connection) -> list[Version]:
    """The newest version of every object."""
    return _versions(
        conn.execute(
            "SELECT kind, id, max(version), body, at, by, position "
            "FROM registry_version GROUP BY kind, id"  # SQLite: bare columns come from the max() row
        )
    )


def history(conn: sqlite3.Connection, kind: str, object_id: str) -> list[Version]:
    """Every version of one object, oldest first."""
    return _versions(
        conn.execute(
            f"SELECT {_COLUMNS} FROM registry_version WHERE kind = ? AND id = ? ORDER BY version",  # noqa: S608
            (kind, object_id),
        )
    )


def as_of(conn: sqlite3.Connection, kind: str, object_id: str, at: Micros) -> Version | None:
    """The version in force at a moment; None when the object was not registered yet."""
    found = _versions(
        conn.execute(
            f"SELECT {_COLUMNS} FROM registry_version "  # noqa: S608 - a constant
            "WHERE kind = ? AND id = ? AND at <= ? ORDER BY version DESC LIMIT 1",
            (kind, object_id, at),
        )
    )
    return found[0] if found else None


def _versions(rows: Iterable[tuple[str, str, int, str, int, str, int]]) -> list[Version]:
    return [
        Version(
            kind=kind,
            id=object_id,
            version=version,
            item=_READ[kind].decode(body),
            at=at,
            by=by,
            position=position,
        )
        for kind, object_id, version, body, at, by, position in rows
    ]


def opted_out(conn: sqlite3.Connection, subjects: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The principals each subject said stop to, sorted; "*" is everyone. Subjects who did not are absent."""
    [rows] = conn.execute(
        "SELECT json_group_array(json_array(o.subject, o.principal)) FROM "
        "(SELECT DISTINCT value FROM json_each(?)) AS asked "
        "CROSS JOIN opt_out AS o ON o.subject = asked.value",
        (rows_json(subjects),),
    ).fetchone()
    found: dict[str, tuple[str, ...]] = {}
    for subject, principal in sorted(_ROWS.decode(rows)):
        found[subject] = (*found.get(subject, ()), principal)
    return found


AgreedTo = tuple[str, str, Micros, str, int]
"""(principal, category, expires_at or 0, wording version, index), as `Facts.consents` has it."""


def consents(
    conn: sqlite3.Connection, subjects: Sequence[str], now: Micros
) -> dict[str, tuple[AgreedTo, ...]]:
    """What each subject had agreed to by `now`, sorted: per principal and category the longest-lived consent.

    Ended ones are included, so that the review can tell "ended" from "never given". Subjects without
    consents are absent.
    """
    [rows] = conn.execute(
        "SELECT json_group_array(json_array(subject, principal, category, expires_at, wording, position)) "
        "FROM (SELECT c.subject, c.principal, c.category, c.expires_at, c.wording, c.position, "
        "max(CASE c.expires_at WHEN 0 THEN 9223372036854775807 ELSE c.expires_at END) "
        "FROM (SELECT DISTINCT value FROM json_each(?1)) AS asked CROSS JOIN consent AS c "
        "ON c.subject = asked.value WHERE c.given_at <= ?2 GROUP BY c.subject, c.principal, c.category)",
        (rows_json(subjects), now),
    ).fetchone()
    found: dict[str, tuple[AgreedTo, ...]] = {}
    for subject, principal, category, expires_at, wording, position in sorted(_CONSENTS.decode(rows)):
        agreed = (principal, category, expires_at, wording, position)
        found[subject] = (*found.get(subject, ()), agreed)
    return found


def record_consents_in(
    conn: sqlite3.Connection,
    ledger: Appends,
    given: Sequence[Consent],
    *,
    at: Micros,
    by: str,
    entropy: Entropy = os.urandom,
) -> int:
    """Register consents with their entries; how many were new. Those registered already are left alone."""
    keyed = {(c.recipient, c.principal, c.category, c.wording, c.channel, c.given_at): c for c in given}
    known = _known(
        conn,
        "SELECT json_group_array(key) FROM json_each(?) AS j WHERE EXISTS (SELECT 1 FROM consent AS c "
        "WHERE c.subject = j.value->>0 AND c.principal = j.value->>1 AND c.category = j.value->>2 "
        "AND c.wording = j.value->>3 AND c.channel = j.value->>4 AND c.given_at = j.value->>5)",
        list(keyed),
    )
    new = [consent for nth, consent in enumerate(keyed.values()) if nth not in known]
    if not new:
        return 0
    openings = fresh_keys(len(new), entropy)
    leaves = [
        encode_entry(
            ConsentEntry(
                at=at,
                by=by,
                category=consent.category,
                channel=consent.channel,
                expires_at=consent.expires_at,
                given_at=consent.given_at,
                principal=consent.principal,
                proof=consent.proof_hash,
                subject=commit(opening, consent.recipient),
                wording=consent.wording,
            )
        )
        for consent, opening in zip(new, openings, strict=True)
    ]
    first = ledger.append_in(conn, leaves)
    positions = range(first, first + len(leaves))
    _keep_openings(conn, positions, [consent.recipient for consent in new], openings)
    rows = [
        (
            *(c.recipient, c.principal, c.category, c.wording, c.channel),
            *(c.given_at, c.expires_at, c.proof_hash, position),
        )
        for c, position in zip(new, positions, strict=True)
    ]
    return _CONSENT.insert(conn, rows)


def record_opt_outs_in(
    conn: sqlite3.Connection,
    ledger: Appends,
    outs: Sequence[OptOut],
    *,
    at: Micros,
    by: str,
    entropy: Entropy = os.urandom,
) -> list[OptOut]:
    """Put opt-outs in force with their entries; those that are new, in the order given.

    One already in force is left alone, and its first time stands. In force for every review that reads
    after the commit.
    """
    keyed: dict[tuple[str, str], OptOut] = {}
    for out in outs:
        keyed.setdefault((out.recipient, out.principal), out)
    known = _known(conn, _IN_FORCE, list(keyed))
    new = [out for nth, out in enumerate(keyed.values()) if nth not in known]
    if not new:
        return []
    positions = _append_opt_outs(conn, ledger, new, entropy, at, by, withdrawn=False)
    rows = [
        (out.recipient, out.principal, out.at, out.source, position)
        for out, position in zip(new, positions, strict=True)
    ]
    _OPT_OUT.insert(conn, rows)
    return new


def withdraw_opt_outs_in(
    conn: sqlite3.Connection,
    ledger: Appends,
    outs: Sequence[OptOut],
    *,
    at: Micros,
    by: str,
    entropy: Entropy = os.urandom,
) -> list[OptOut]:
    """End opt-outs with their entries; those that were in force. `at` and `source` say how it was taken back.

    Withdrawing "*" ends only the opt-out to everyone; those to single principals stay.
    """
    keyed = {(out.recipient, out.principal): out for out in outs}
    known = _known(conn, _IN_FORCE, list(keyed))
    ended = [out for nth, out in enumerate(keyed.values()) if nth in known]
    if not ended:
        return []
    _append_opt_outs(conn, ledger, ended, entropy, at, by, withdrawn=True)
    conn.execute(
        "DELETE FROM opt_out WHERE (subject, principal) IN (SELECT value->>0, value->>1 FROM json_each(?))",
        (rows_json([(out.recipient, out.principal) for out in ended]),),
    )
    return ended


_IN_FORCE: Final = (
    "SELECT json_group_array(key) FROM json_each(?) AS j WHERE EXISTS (SELECT 1 FROM opt_out AS o "
    "WHERE o.subject = j.value->>0 AND o.principal = j.value->>1)"
)


def _append_opt_outs(
    conn: sqlite3.Connection,
    ledger: Appends,
    outs: Sequence[OptOut],
    entropy: Entropy,
    at: Micros,
    by: str,
    *,
    withdrawn: bool,
) -> range:
    openings = fresh_keys(len(outs), entropy)
    leaves = [
        encode_entry(
            OptOutEntry(
                at=at,
                by=by,
                principal=out.principal,
                said_at=out.at,
                source=out.source,
                state="withdrawn" if withdrawn else "in_force",
                subject=commit(opening, out.recipient),
            )
        )
        for out, opening in zip(outs, openings, strict=True)
    ]
    first = ledger.append_in(conn, leaves)
    positions = range(first, first + len(leaves))
    _keep_openings(conn, positions, [out.recipient for out in outs], openings)
    return positions


def _keep_openings(
    conn: sqlite3.Connection,
    positions: range,
    subjects: Sequence[str],
    openings: Sequence[bytes],
) -> None:
    _OPENING.insert(conn, list(zip(positions, subjects, openings, strict=True)))


def _known(conn: sqlite3.Connection, sql: str, keys: Sequence[Sequence[str | int]]) -> set[int]:
    """Which of `keys`, by their place, are in the table already."""
    [indices] = conn.execute(sql, (rows_json(keys),)).fetchone()
    return set(_INDICES.decode(indices))
