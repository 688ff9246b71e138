"""The registry in use: one current snapshot, changed only through the writer, every change in the ledger.

Changes are validated against the registry as it would be, committed with their ledger entries in one
transaction, and only then seen: the snapshot is replaced whole, so a review meets all of a change or none.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import tzinfo
from typing import BinaryIO, Final, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from tideng.gateway.messages import Micros
from tideng.gateway.registry import store
from tideng.gateway.registry.checks import check
from tideng.gateway.registry.interchange import read_toml, write_toml
from tideng.gateway.registry.kinds import TYPES, kind_of
from tideng.gateway.registry.passwords import hash_password, is_password
from tideng.gateway.registry.problems import Problem, RegistryInvalid
from tideng.gateway.registry.rows import BadRow, Reading, read_consents, read_opt_outs
from tideng.gateway.registry.snapshot import Snapshot, Versioned, build
from tideng.gateway.registry.store import Appends, Entropy, Version
from tideng.gateway.registry.values import Consent, OptOut, RegistryObject
from tideng.storage.sqlite import Writer

ROWS_PER_COMMIT: Final = 2000
"""Import rows committed together: some tens of milliseconds of the writer's time, so messages wait little."""
BAD_ROWS_KEPT_MAX: Final = 1000
"""Bad rows named in a summary; all are counted."""

_R = TypeVar("_R", Consent, OptOut)
_T = TypeVar("_T")


class KeepsTime(Appends, Protocol):
    """The ledger: appends inside a job, and a clock that never goes back."""

    def now(self) -> Micros: ...


class Difference(Struct, frozen=True, kw_only=True):
    """What an import would do, or did, as kind:id in the order of the file."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    """What was recorded; empty on a dry run."""


class RowsTaken(Struct, frozen=True, kw_only=True):
    """What became of the rows of a CSV file. `rows` = `new` + `known` + `bad`."""

    rows: int
    new: int
    known: int
    """Registered already, or twice in the file."""
    bad: int
    bad_rows: tuple[BadRow, ...] = ()
    """The first `BAD_ROWS_KEPT_MAX` of them."""


class Registry:
    """Owns the current `snapshot`. Thread-safe; changes wait for each other, readers never wait.

    Whatever a method returned for is durable and in the ledger. Objects are never deleted: `close_object`
    ends one, and its history stays.
    """

    def __init__(self, writer: Writer, ledger: KeepsTime) -> None:
        self._writer = writer
        self._ledger = ledger
        # One change at a time: each is validated against the outcome of the one before.
        self._changing = threading.Lock()
        self._snapshot = build(
            Versioned(version.item, version.version) for version in self._read(store.current_versions)
        )

    @property
    def snapshot(self) -> Snapshot:
        """The registry as last committed. Take it once per batch; it never changes under you."""
        return self._snapshot

    def change(self, objects: Sequence[RegistryObject], by: str) -> list[Version]:
        """Make `objects` current: all or none. Those that say nothing new make no version.

        `by` names the account or command. Raises `RegistryInvalid` with every problem at once, and what
        the writer raises (`StorageFailed`, `Overloaded`); then nothing was changed. Blocks until synced.
        """
        _named(by)
        with self._changing:
            return self._commit(objects, by)

    async def change_async(self, objects: Sequence[RegistryObject], by: str) -> list[Version]:
        """`change` for the event loop."""
        return await asyncio.to_thread(self.change, objects, by)

    def close_object(self, kind: str, object_id: str, by: str) -> list[Version]:
        """End an object: its next version has status "closed". Empty when it was closed already.

        Raises `RegistryInvalid` when there is no such object.
        """
        _named(by)
        with self._changing:
            item = self._snapshot.current(kind, object_id) if kind in TYPES else None
            if item is None:
                raise RegistryInvalid(
                    [Problem(f"{kind}:{object_id}"[:100], "is not registered; correct the kind or the id")]
                )
            return self._commit([replace(item, status="closed")], by)

    def history(self, kind: str, object_id: str) -> list[Version]:
        """Every version, oldest first; empty when it was never registered."""
        return self._read(lambda conn: store.history(conn, kind, object_id))

    def as_of(self, kind: str, object_id: str, at: Micros) -> Version | None:
        """The version in force at a moment (µs UTC); None before the first."""
        return self._read(lambda conn: store.as_of(conn, kind, object_id, at))

    def import_toml(self, data: bytes, by: str, *, dry_run: bool = False) -> Difference:
        """Make the file's objects current; objects it does not name stay as they are.

        A password that already opens the customer's hash keeps that hash, so importing a file again makes
        no version. `dry_run` says what would happen, validation included, and changes nothing. Raises like
        `change`. Takes about 0.1 s per password.
        """
        _named(by)
        with self._changing:
            before = self._snapshot
            objects = read_toml(data, self._seal_password)
            if dry_run:
                self._validated(objects)
                versions: list[Version] = []
            else:
                versions = self._commit(objects, by)
            return _difference(before, objects, versions)

    async def import_toml_async(self, data: bytes, by: str, *, dry_run: bool = False) -> Difference:
        """`import_toml` for the event loop."""
        return await asyncio.to_thread(self.import_toml, data, by, dry_run=dry_run)

    def export_toml(self) -> bytes:
        """The whole registry as a file `import_toml` takes. Holds password hashes: keep it safe."""
        return write_toml(self._snapshot.objects())

    def import_consents(
        self, stream: BinaryIO, by: str, *, subject_of: Callable[[str], str], time_zone: tzinfo
    ) -> RowsTaken:
        """Register a CSV file's consents (see `rows.read_consents`) in batches; bad rows are left out.

        `subject_of` turns E.164 digits into the subject. Interrupted, it may be run again: what is
        registered already is left alone.
        """
        _named(by)
        rows = read_consents(stream, self._reading(subject_of, time_zone))
        return _taken(rows, lambda batch: self.record_consents(batch, by))

    def import_opt_outs(
        self, stream: BinaryIO, by: str, *, subject_of: Callable[[str], str], time_zone: tzinfo
    ) -> RowsTaken:
        """Put a CSV file's opt-outs in force (see `rows.read_opt_outs`), like `import_consents`."""
        _named(by)
        rows = read_opt_outs(stream, self._reading(subject_of, time_zone))
        return _taken(rows, lambda batch: len(self.record_opt_outs(batch, by)))

    def record_consents(self, given: Sequence[Consent], by: str, *, entropy: Entropy = os.urandom) -> int:
        """Register consents; how many were new."""
        at = self._ledger.now()
        return self._writer.call(
            lambda conn: store.record_consents_in(conn, self._ledger, given, at=at, by=by, entropy=entropy)
        )

    def record_opt_outs(
        self, outs: Sequence[OptOut], by: str, *, entropy: Entropy = os.urandom
    ) -> list[OptOut]:
        """Put opt-outs in force; those that were new."""
        at = self._ledger.now()
        return self._writer.call(
            lambda conn: store.record_opt_outs_in(conn, self._ledger, outs, at=at, by=by, entropy=entropy)
        )

    def withdraw_opt_outs(
        self, outs: Sequence[OptOut], by: str, *, entropy: Entropy = os.urandom
    ) -> list[OptOut]:
        """End opt-outs the recipients took back; those that were in force."""
        at = self._ledger.now()
        return self._writer.call(
            lambda conn: store.withdraw_opt_outs_in(conn, self._ledger, outs, at=at, by=by, entropy=entropy)
        )

    def _read(self, query: Callable[..., _T]) -> _T:
        with closing(self._writer.reader()) as conn:
            return query(conn)

    def _reading(self, subject_of: Callable[[str], str], time_zone: tzinfo) -> Reading:
        return Reading(
            subject_of=subject_of,
            principals=self._snapshot.principals.keys(),
            now=self._ledger.now(),
            time_zone=time_zone,
        )

    def _seal_password(self, customer_id: str, password: str) -> str:
        customer = self._snapshot.customer(customer_id)
        if customer is not None and customer.smpp is not None:
            current = customer.smpp.password_hash
            if is_password(password, current):
                return current
        return hash_password(password)

    def _validated(self, objects: Sequence[RegistryObject]) -> tuple[list[Versioned], Snapshot]:
        """The changes that say something new, and the snapshot after them. Checks all of `objects`."""
        before = self._snapshot
        new = [
            Versioned(item, before.version(kind_of(item), item.id) + 1)
            for item in objects
            if before.current(kind_of(item), item.id) != item
        ]
        after = before.with_changes(new)
        problems = check(objects, after)
        if problems:
            raise RegistryInvalid(problems)
        return new, after

    def _commit(self, objects: Sequence[RegistryObject], by: str) -> list[Version]:
        new, after = self._validated(objects)
        if not new:
            return []
        at = self._ledger.now()
        changes = [(change.item, change.version) for change in new]
        versions = self._writer.call(
            lambda conn: store.record_versions_in(conn, self._ledger, changes, at=at, by=by)
        )
        self._snapshot = after
        return versions


def _named(by: str) -> None:
    if not by or len(by) > 200 or not by.isprintable():
        raise ValueError("a change needs the name of who makes it: 1 to 200 printable characters")


def _difference(before: Snapshot, objects: Sequence[RegistryObject], versions: list[Version]) -> Difference:
    added: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    for item in objects:
        kind = kind_of(item)
        current = before.current(kind, item.id)
        group = added if current is None else unchanged if current == item else changed
        group.append(f"{kind}:{item.id}")
    return Difference(
        added=tuple(added), changed=tuple(changed), unchanged=tuple(unchanged), versions=tuple(versions)
    )


def _taken(rows: Iterator[_R | BadRow], record: Callable[[list[_R]], int]) -> RowsTaken:
    batch: list[_R] = []
    bad_rows: list[BadRow] = []
    good = new = bad = 0
    for row in rows:
        if isinstance(row, BadRow):
            bad += 1
            if bad <= BAD_ROWS_KEPT_MAX:
                bad_rows.append(row)
            continue
        batch.append(row)
        if len(batch) == ROWS_PER_COMMIT:
            good, new, batch = good + len(batch), new + record(batch), []
    if batch:
        good, new = good + len(batch), new + record(batch)
    return RowsTaken(rows=good + bad, new=new, known=good - new, bad=bad, bad_rows=tuple(bad_rows))
