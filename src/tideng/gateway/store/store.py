"""The gateway's store: one database with its single writer, the ledger in it, and the keys beside it."""

import contextlib
import hmac
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from tideng.evidence.commitment import KEY_BYTES
from tideng.evidence.completeness import keep_numbers_in
from tideng.evidence.keys import secret_key, signing_key
from tideng.evidence.name_key import NameKey, octets_of, text_of
from tideng.evidence.publishing import SCHEMA as SEEN
from tideng.evidence.publishing import Seen, check_continues
from tideng.evidence.sqlite import SCHEMA as LEDGER
from tideng.evidence.sqlite import SqliteLedger
from tideng.evidence.subjects import SCHEMA as SUBJECTS
from tideng.evidence.subjects import SubjectErased, SubjectKeys, open_sealed, seal
from tideng.gateway.messages import Micros
from tideng.gateway.registry.schema import MIGRATIONS as REGISTRY
from tideng.gateway.registry.schema import ROOM as REGISTRY_ROOM
from tideng.gateway.store.api_keys import MIGRATIONS as API_KEYS
from tideng.gateway.store.api_keys import ROOM as KEYS_ROOM
from tideng.gateway.store.schema import MIGRATIONS
from tideng.identifiers.keyed import keyed_hash
from tideng.storage.bulk import rows_json
from tideng.storage.failures import StorageError
from tideng.storage.migrations import Migration
from tideng.storage.sqlite import Writer

T = TypeVar("T")

DATABASE: Final = "tideng.db"
KEYS: Final = "keys.db"
SEEN_FILE: Final = "seen.db"
"""What of the ledger was shown to others: apart from it, so that an old copy of the ledger is noticed."""
MET_TOGETHER: Final = 500
MET_MAX: Final = 200_000
"""Numbers of registered consents and opt-outs remembered until the completeness index has named them."""
WRITTEN_MAX: Final = 12_000
"""Numbers of recipients and senders remembered for it; the rest is read from their messages."""
SCHEMA: Final[Mapping[str, Sequence[Migration]]] = {
    "evidence": LEDGER,
    "gateway": MIGRATIONS,
    REGISTRY_ROOM: REGISTRY,
    KEYS_ROOM: API_KEYS,
}
"""Every room of the gateway's database. `assembly` adds those of the console."""


class Store:
    """What every step of the gateway reads from and writes to.

    Writes are jobs of the one writer and durable when they return. `reader` belongs to the event
    loop's thread and sees what has been committed.
    """

    def __init__(
        self,
        writer: Writer,
        ledger: SqliteLedger,
        keys: SubjectKeys,
        key_writer: Writer,
        lookup_key: bytes,
        names: NameKey,
        seen: Seen,
        seen_writer: Writer,
        *,
        now: Callable[[], Micros],
        time_zone: tzinfo,
    ) -> None:
        self.writer = writer
        self.ledger = ledger
        self.keys = keys
        self._key_writer = key_writer
        self.now = now
        self.time_zone = time_zone
        self._lookup_key = lookup_key
        self.names = names
        self.seen = seen
        self._seen_writer = seen_writer
        # Ordered: the first of a plain dict is behind all that was taken from its front before.
        self.met: OrderedDict[str, str] = OrderedDict()
        self._written: OrderedDict[str, str] = OrderedDict()
        """Subjects and their numbers, until the completeness index has named them."""
        self.reader: sqlite3.Connection = writer.reader()

    def subject(self, number: str) -> str:
        """The keyed hash under which this number's records are kept."""
        return self._remember(self.met, MET_MAX, number)

    def written(self, number: str) -> str:
        """`subject` of somebody who is written to, or who writes: a message will hold the number too."""
        return self._remember(self._written, WRITTEN_MAX, number)

    def number_of(self, subject: str) -> str | None:
        """The number of a subject met lately; None if it has to be looked up."""
        return self._written.get(subject) or self.met.get(subject)

    def forget(self, subject: str) -> None:
        """Forget what is remembered of this subject's number."""
        self.met.pop(subject, None)
        self._written.pop(subject, None)

    def _remember(self, numbers: OrderedDict[str, str], most: int, number: str) -> str:
        subject = keyed_hash(self._lookup_key, "subject", number)
        if len(numbers) >= most:
            numbers.popitem(last=False)
        numbers[subject] = number
        return subject

    def text_key(self, text: str) -> str:
        """Comparable, not readable: equal texts have equal keys."""
        return keyed_hash(self._lookup_key, "text", text)

    def request(self, octets: bytes) -> str:
        """Names a request; equal ones have equal names, and none says what is in it."""
        return keyed_hash(self._lookup_key, "request", sha256(octets).hexdigest())

    def report_key(self, carrier: str, carrier_id: str, received_at: Micros) -> bytes:
        """What opens the octets of one report: anybody given it can check them, nobody else can guess them.

        Derived, not kept: a report's octets are the carrier's to show.
        """
        said = f"report\x1f{carrier}\x1f{carrier_id}\x1f{received_at}"
        return hmac.digest(self._lookup_key, said.encode("utf-8", "surrogatepass"), "sha256")

    def series(self, *parts: str) -> str:
        """Names the parts that belong together without naming people."""
        return keyed_hash(self._lookup_key, "series", "\x1f".join(parts))

    def day(self, at: Micros) -> int:
        """Days since 1970-01-01 in the operator's time zone."""
        return datetime.fromtimestamp(at / 1e6, UTC).astimezone(self.time_zone).date().toordinal() - 719_163

    def entropy(self, octets: int) -> bytes:
        return os.urandom(octets)

    def keep_met(self) -> None:
        """Keep, sealed, the numbers that only we know and that the completeness index still has to name.

        Whoever was written to, or wrote, can be named from their messages; a consent or an opt-out that was
        registered holds no number.
        """
        met, self.met = self.met, OrderedDict()
        if not met:
            return
        with contextlib.closing(self.writer.reader()) as conn:
            waiting = conn.execute(
                "SELECT DISTINCT subject FROM registry_opening "
                "WHERE position >= (SELECT coalesce(max(stop), 0) FROM index_interval)"
            ).fetchall()
        needed = iter([(subject, met[subject]) for (subject,) in waiting if subject in met])
        while some := dict(islice(needed, MET_TOGETHER)):
            self.writer.call(partial(keep_numbers_in, met=some, seal=self._seal_number))

    def forget_named(self) -> None:
        """Forget the numbers that the completeness index has named by now. Thread-safe."""
        subjects = list(self.met)
        with contextlib.closing(self.writer.reader()) as conn:
            for start in range(0, len(subjects), MET_TOGETHER):
                for (subject,) in conn.execute(
                    "SELECT subject FROM subject_name WHERE name IS NOT NULL "
                    "AND subject IN (SELECT value FROM json_each(?))",
                    (rows_json(subjects[start : start + MET_TOGETHER]),),
                ):
                    self.met.pop(subject, None)

    def open_number(self, subject: str, sealed: bytes) -> str:
        """The number that `keep_met` kept. Raises `SealBroken`."""
        return text_of(open_sealed(self.names.sealing, sealed, b"number:" + subject.encode()))

    def _seal_number(self, subject: str, number: str) -> bytes:
        associated = b"number:" + subject.encode()
        return seal(self.names.sealing, octets_of(number), self.entropy(12), associated)

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """One job of the writer; durable when it returns."""
        return await self.writer.run(job)

    async def keys_for(self, subjects: Sequence[str]) -> dict[str, bytes]:
        """The subjects' keys, made durable first where they are new.

        For a person who was erased it is a key that nobody keeps: what is recorded about them since is
        recorded, and its content is gone with this process.
        """
        try:
            return await self.keys.keys_for_async(subjects, self.entropy)
        except SubjectErased as error:
            erased = set(error.subjects)
            rest = [subject for subject in subjects if subject not in erased]
            kept = await self.keys.keys_for_async(rest, self.entropy) if rest else {}
            return kept | {subject: self.entropy(KEY_BYTES) for subject in erased}

    def key_for(self, subject: str) -> bytes:
        """One subject's key. Raises `SubjectErased`."""
        return self.keys.keys_for([subject], self.entropy)[subject]

    def close(self) -> None:
        # Without a disk the numbers are lost; the index then lists their entries as unnamed.
        with contextlib.suppress(StorageError):
            self.keep_met()
        self.reader.close()
        self.ledger.close()
        self.writer.close()
        self._key_writer.close()
        self._seen_writer.close()


def open_store(
    directory: Path,
    *,
    origin: str,
    time_zone: tzinfo,
    now: Callable[[], Micros],
    more_schema: Mapping[str, Sequence[Migration]] | None = None,
    check_seen: bool = True,
) -> Store:
    """Open, or make, everything that is kept in `directory`, and the tables of `more_schema`'s rooms.

    Raises what the writer, the ledger and the key files raise; nothing is left open then.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    signing = signing_key(directory / "ledger.key")
    lookup = secret_key(directory / "lookup.key")
    names = NameKey(secret_key(directory / "index.key"))
    with contextlib.ExitStack() as undo:
        writer = Writer(directory / DATABASE, schema={**SCHEMA, **(more_schema or {})}, clock=now)
        undo.callback(writer.close)
        ledger = SqliteLedger(writer, origin=origin, key=signing, clock=now)
        undo.callback(ledger.close)
        key_writer = Writer(directory / KEYS, schema={"subjects": SUBJECTS}, secure_delete=True, clock=now)
        undo.callback(key_writer.close)
        seen_writer = Writer(directory / SEEN_FILE, schema={"seen": SEEN}, clock=now)
        undo.callback(seen_writer.close)
        seen = Seen(seen_writer, origin)
        last = seen.last()
        if last is not None and check_seen:
            check_continues(ledger, *last, who=SEEN_FILE)
        undo.pop_all()
    keys = SubjectKeys(key_writer)
    return Store(
        writer, ledger, keys, key_writer, lookup, names, seen, seen_writer, now=now, time_zone=time_zone
    )
