"""The opening store, first shape: one key per person, in a file of its own, so that erasing is real.

What opens a person's commitments is sealed under that person's key. Destroying the key erases all of it,
in every copy of the sealed bytes, and leaves the ledger's proofs as they were. The file has its own backup
life: a backup of `keys.db` older than an erasure would undo it.
"""

import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tideng.evidence.commitment import KEY_BYTES, fresh_keys
from tideng.storage.bulk import BulkInsert, rows_json
from tideng.storage.failures import StorageFailed
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer

NONCE_BYTES = 12
CACHED_MAX = 5_000
TRUNCATIONS_MAX = 3

SCHEMA: Final = (
    Migration(
        1,
        """
        CREATE TABLE subject_key (
            subject TEXT PRIMARY KEY,   -- a keyed name, never a number
            key BLOB,                   -- NULL once destroyed; the row stays, so that it is never made anew
            destroyed_at INTEGER        -- microseconds, UTC
        ) WITHOUT ROWID;
        """,
    ),
)
"""Room "subjects" of `keys.db`. Open its `Writer` with `secure_delete=True`."""

_KEYS = BulkInsert("subject_key", ("subject", "key"), blobs=("key",), conflict="IGNORE")
_LOOK_UP = """
    SELECT json_group_array(json_array(subject, hex(key))) FROM subject_key
    WHERE subject IN (SELECT value FROM json_each(?))
"""
_decode = msgspec.json.Decoder(list[tuple[str, str]]).decode


class SubjectErased(Exception):
    """The keys of these subjects were destroyed; what they sealed cannot be opened by anyone."""

    def __init__(self, subjects: Sequence[str]) -> None:
        super().__init__(f"the keys of {len(subjects)} subject(s) were destroyed")
        self.subjects = tuple(subjects)


class SealBroken(Exception):
    """Wrong key, wrong associated data, or changed bytes (AES-256-GCM does not tell which)."""


class SubjectKeys:
    """The keys of people, by a keyed name of them. Thread-safe; never logs or shows a key."""

    def __init__(self, writer: Writer, *, cached_max: int = CACHED_MAX) -> None:
        self._writer = writer
        self._cached_max = cached_max
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._erasures = 0

    def keys_for(
        self, subjects: Sequence[str], entropy: Callable[[int], bytes] = os.urandom
    ) -> dict[str, bytes]:
        """The 32-byte key of each subject; missing ones are made, and durable before this returns.

        Blocks only when one is not in the cache. `SubjectErased` names those destroyed; no key is handed
        out then, but the missing ones were made.
        """
        found, missing, epoch = self._from_cache(subjects)
        if missing:
            found |= self._remember(self._writer.call(_fetch(missing, entropy)), epoch)
        return _whole(found)

    async def keys_for_async(
        self, subjects: Sequence[str], entropy: Callable[[int], bytes] = os.urandom
    ) -> dict[str, bytes]:
        """`keys_for` without blocking the event loop."""
        found, missing, epoch = self._from_cache(subjects)
        if missing:
            found |= self._remember(await self._writer.run(_fetch(missing, entropy)), epoch)
        return _whole(found)

    def destroy(self, subject: str, at: int) -> bool:
        """Destroy a subject's key for good; `at` in microseconds UTC. False if there was none to destroy.

        The key's bytes are gone from the database file and its log when this returns. Backups are not ours
        to reach. `StorageFailed` if a reader of the file kept the log from being emptied: the key is
        destroyed, but its bytes remain until this is called again or the program restarts.
        """

        def work(conn: sqlite3.Connection) -> bool:
            sql = "UPDATE subject_key SET key = NULL, destroyed_at = ? WHERE subject = ? AND key IS NOT NULL"
            return conn.execute(sql, (at, subject)).rowcount == 1

        was_there = self._writer.call(work)
        with self._lock:
            self._erasures += 1
            self._cache.pop(subject, None)
        # The page as it was is still in the log until everything is in the file and the log is emptied.
        if not any(self._writer.truncate_wal() for _ in range(TRUNCATIONS_MAX)):
            raise StorageFailed(
                f"{self._writer.path}: the key is destroyed, but a reader keeps its bytes in the log. "
                f"Close other programs that read the file, then erase again."
            )
        return was_there

    def _from_cache(self, subjects: Sequence[str]) -> tuple[dict[str, bytes], list[str], int]:
        found: dict[str, bytes] = {}
        missing: dict[str, None] = {}
        with self._lock:
            for subject in subjects:
                key = self._cache.get(subject)
                if key is None:
                    missing[subject] = None
                else:
                    self._cache.move_to_end(subject)
                    found[subject] = key
            return found, list(missing), self._erasures

    def _remember(self, fetched: dict[str, bytes], epoch: int) -> dict[str, bytes]:
        with self._lock:
            if epoch == self._erasures:  # else one of these may have been destroyed meanwhile
                for subject, key in fetched.items():
                    if key:
                        self._cache[subject] = key
                while len(self._cache) > self._cached_max:
                    self._cache.popitem(last=False)
        return fetched


def seal(key: bytes, plaintext: bytes, nonce: bytes, associated: bytes) -> bytes:
    """AES-256-GCM: the nonce, then the ciphertext with its tag. Never use a nonce twice under one key."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    if len(key) != KEY_BYTES:
        raise ValueError(f"a subject's key has {KEY_BYTES} bytes, not {len(key)}")
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def open_sealed(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """What `seal` sealed with the same key and associated data; `SealBroken` otherwise."""
    if len(sealed) < NONCE_BYTES + 16:
        raise SealBroken(f"{len(sealed)} bytes are too few to be sealed")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as error:
        raise SealBroken(
            "the key, the associated data or the bytes are not those it was sealed with"
        ) from error


def _fetch(
    missing: list[str], entropy: Callable[[int], bytes]
) -> Callable[[sqlite3.Connection], dict[str, bytes]]:
    fresh = list(zip(missing, fresh_keys(len(missing), entropy), strict=True))

    def work(conn: sqlite3.Connection) -> dict[str, bytes]:
        if _KEYS.insert(conn, fresh) == len(fresh):
            return dict(fresh)
        # Some were there before: what is stored counts, and an empty key is a destroyed one.
        row = conn.execute(_LOOK_UP, (rows_json(missing),)).fetchone()
        return {subject: bytes.fromhex(key) for subject, key in _decode(row[0])}

    return work


def _whole(found: dict[str, bytes]) -> dict[str, bytes]:
    erased = [subject for subject, key in found.items() if not key]
    if erased:
        raise SubjectErased(erased)
    return found
