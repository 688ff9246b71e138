"""Issues an evidence bundle: gathers what the ledger holds, records the hand-over, proves all of it."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from tideng.evidence import completeness, landmarks, merkle, readings
from tideng.evidence.bundle import (
    CaseEntry,
    CompletenessProof,
    IntervalProof,
    Material,
    Opening,
    RegistryBody,
    Step,
    build,
    content_hash,
    disclosed_files,
)
from tideng.evidence.checkpoint import open_checkpoint
from tideng.evidence.completeness import Interval
from tideng.evidence.entries import decode_entry
from tideng.evidence.indexer import Indexer
from tideng.evidence.landmarks import ExportEntry
from tideng.evidence.name_key import NameKey
from tideng.evidence.note import encode_vkey
from tideng.evidence.sqlite import SqliteLedger
from tideng.evidence.stored import StoredLedger
from tideng.evidence.tiles import TileHashes
from tideng.evidence.trust_policy import Party, TrustPolicy, format_policy
from tideng.evidence.verifier.completeness import SLACK_US
from tideng.storage.sqlite import Writer

CHECKPOINTS_MAX: Final = 40
ENTRIES_MAX: Final = 20_000
FIELDS: Final = ("recipient", "text", "sender", "raw", "slots", "reason", "subject")
"""Fields that a bundle may open."""


class NothingToShow(Exception):
    """There is no entry of what was asked for. The message says what to ask instead."""


class CaseTooLarge(Exception):
    """More entries than one bundle holds."""


class CaseSource(Protocol):
    """Whoever appended the entries opens them and knows what they refer to."""

    def positions(self, conn: sqlite3.Connection, message: int) -> list[int]:
        """The entries of one message's life, in order; empty if there is no such message."""

    def number_of(self, conn: sqlite3.Connection, message: int) -> str | None:
        """The recipient of a message as E.164 digits; None once erased."""

    def openings(
        self, conn: sqlite3.Connection, entries: Mapping[int, Mapping[str, Any]]
    ) -> Mapping[int, Sequence[Opening]]:  # Any: fields of entries
        """What opens the commitments of these entries, where it is not erased."""

    def registry(
        self, conn: sqlite3.Connection, entries: Mapping[int, Mapping[str, Any]]
    ) -> Sequence[RegistryBody]:  # Any: fields of entries
        """The registry objects these entries refer to, in the versions they name."""


class Request(Struct, frozen=True, kw_only=True):
    """What is asked for: messages, or a number and a window (µs; None: from the first, to the last)."""

    messages: tuple[int, ...] = ()
    number: str | None = None
    start: int | None = None
    stop: int | None = None
    case: str
    by: str
    purpose: str
    fields: tuple[str, ...] = ("recipient", "text", "sender", "raw", "slots")


class Issued(Struct, frozen=True):
    """A bundle and what is in it."""

    content: bytes
    export: int
    entries: int
    opened: int
    size: int
    complete: tuple[int, int] | None
    """Entries among which nothing about the number is missing: from, to (excluded)."""


class _Gathered(Struct, frozen=True):
    case: tuple[int, ...]
    opened: tuple[int, ...]
    """Entries that were asked for; others are here only for completeness, and stay closed."""
    index: tuple[int, ...]
    number: str | None
    intervals: tuple[Interval, ...]
    before: Interval | None
    stop: int | None


class Issuer:
    """Makes bundles over one ledger. Blocking; appends the hand-over's entry and what the index lacks."""

    def __init__(
        self,
        writer: Writer,
        ledger: SqliteLedger,
        key: Ed25519PrivateKey,
        names: NameKey,
        indexer: Indexer,
        source: CaseSource,
        *,
        witnesses: TrustPolicy | None = None,
        roots: bytes = b"",
        with_pdf: bool = True,
    ) -> None:
        """`witnesses`: the policy whose quorum a bundle's checkpoint must meet; None: none is asked for."""
        self._writer, self._ledger, self._key, self._names = writer, ledger, key, names
        self._indexer, self._source = indexer, source
        self._witnesses, self._roots, self._with_pdf = witnesses, roots, with_pdf
        self._known = (ledger.verifier, *ledger.retired)

    def issue(
        self,
        request: Request,
        environment: bytes,
        progress: Callable[[str], None] = lambda _: None,
        cosigned: Callable[[int], bytes | None] = lambda _: None,
    ) -> Issued:
        """One bundle. `cosigned(size)`: a checkpoint of at least this size that met the witnesses' quorum.

        Raises `NothingToShow`, `CaseTooLarge`, `TooLarge`.
        """
        progress("indexing")
        self._indexer.catch_up(self._ledger.size)
        with closing(self._writer.reader()) as conn:
            progress("gathering")
            gathered = self._gather(conn, request)
            entries = {index: decode_entry(leaf) for index, leaf in self._leaves(gathered.case).items()}
            opened = self._opened(conn, request, {index: entries[index] for index in gathered.opened})
            registry = self._source.registry(conn, entries)
        files = disclosed_files(opened, registry, environment)
        entry = ExportEntry(
            at=self._ledger.now(),
            by=request.by,
            case=request.case,
            content=content_hash(files),
            entries=len(gathered.case),
            fields=sum(map(len, opened.values())),
            purpose=request.purpose,
        )
        export = self._writer.call(lambda conn: landmarks.record_in(conn, self._ledger, entry))
        note = self._ledger.checkpoint()
        note = cosigned(export + 1) or note
        with closing(self._writer.reader()) as conn:
            progress("proving")
            material = self._material(conn, request, gathered, opened, registry, environment, export, note)
        progress("writing")
        done = (gathered.intervals[0].first, gathered.intervals[-1].stop) if gathered.intervals else None
        size = open_checkpoint(note, self._ledger.origin, self._known).size
        content = build(material, self._key)
        return Issued(content, export, len(material.entries), entry.fields, size, done)

    # What belongs to the case

    def _gather(self, conn: sqlite3.Connection, request: Request) -> _Gathered:
        case: set[int] = set()
        found: list[int] = []
        number, start, stop = request.number, request.start, request.stop
        if request.messages:
            found = self._lives(conn, request.messages)
            case.update(found)
            if number is None and "recipient" in request.fields:  # a proof about a number shows the number
                numbers = {self._source.number_of(conn, message) for message in request.messages}
                # One proof is about one number: of messages to several people, ask for each.
                number = numbers.pop() if len(numbers) == 1 else None
            times = [decode_entry(leaf)["at"] for leaf in self._leaves(found).values()]
            start = min(times) if start is None else start
            stop = max(times) if stop is None else stop
        intervals, before, proved_stop = self._intervals(conn, number, start, stop)
        if number is not None:
            name = self._names.name(number)
            for interval in intervals:
                lookup = completeness.look_up(conn, self._names, name, interval)
                case.update(lookup.held.indices if lookup.held else ())
        if len(case) > ENTRIES_MAX:
            raise CaseTooLarge(
                f"{len(case)} entries; a bundle holds {ENTRIES_MAX}. Ask for a shorter window."
            )
        index = {interval.position for interval in intervals} | ({before.position} if before else set())
        asked = case if request.number is not None else found
        return _Gathered(
            tuple(sorted(case)),
            tuple(sorted(asked)),
            tuple(sorted(index)),
            number,
            intervals,
            before,
            proved_stop,
        )

    def _lives(self, conn: sqlite3.Connection, messages: Sequence[int]) -> list[int]:
        found: set[int] = set()
        for message in messages:
            life = self._source.positions(conn, message)
            if not life:
                raise NothingToShow(f"there is no message {message}; `tideng status` lists today's")
            found.update(life)
        return sorted(found)

    def _intervals(
        self, conn: sqlite3.Connection, number: str | None, start: int | None, stop: int | None
    ) -> tuple[tuple[Interval, ...], Interval | None, int | None]:
        """The intervals that cover the window; a window whose end they do not reach stays open."""
        if number is None:
            return (), None, None
        found = completeness.intervals(conn)
        begin = 0
        while begin < len(found) and start is not None and found[begin].at < start - SLACK_US:
            begin += 1
        # Nothing was recorded since: the newest interval shows that, and where the ledger ends.
        begin = min(begin, max(0, len(found) - 1))
        end = begin
        while end < len(found) and (stop is None or found[end].at <= stop + SLACK_US):
            end += 1
        # One more than the first whose entry is late enough: that entry lies in the next one's stretch.
        shown = found[begin : end + 2]
        return tuple(shown), found[begin - 1] if begin else None, stop if end + 1 < len(found) else None

    def _leaves(self, indices: Sequence[int]) -> dict[int, bytes]:
        return {index: self._ledger.leaf(index) for index in indices}

    def _opened(
        self, conn: sqlite3.Connection, request: Request, entries: Mapping[int, Mapping[str, Any]]
    ) -> dict[int, tuple[Opening, ...]]:  # Any: fields of entries
        found = self._source.openings(conn, entries)
        chosen = {
            index: tuple(opening for opening in openings if opening.field in request.fields)
            for index, openings in found.items()
        }
        return {index: openings for index, openings in chosen.items() if openings}

    # Proving it

    def _material(
        self,
        conn: sqlite3.Connection,
        request: Request,
        gathered: _Gathered,
        opened: Mapping[int, Sequence[Opening]],
        registry: Sequence[RegistryBody],
        environment: bytes,
        export: int,
        note: bytes,
    ) -> Material:
        stored = StoredLedger(conn)
        size = open_checkpoint(note, self._ledger.origin, self._known).size
        hashes = TileHashes(stored.tile)
        roles = dict.fromkeys(gathered.index, "index")
        roles |= dict.fromkeys((each.entry for each in registry), "registry")
        ran = landmarks.positions(conn, "environment/1", (*gathered.case, export)[0] + 1)[-1:]
        ran += landmarks.positions(conn, "clock_state/1", (*gathered.case, export)[0] + 1)[-1:]
        roles |= (
            dict.fromkeys(ran, "environment") | dict.fromkeys(gathered.case, "case") | {export: "custody"}
        )
        entries = tuple(
            CaseEntry(
                index=index,
                leaf=self._ledger.leaf(index),
                role=role,
                proof=tuple(merkle.inclusion_proof(index, size, hashes)),
                openings=tuple(opened.get(index, ())),
            )
            for index, role in sorted(roles.items())
        )
        chain, tokens = self._chain(conn, hashes, gathered, size, note)
        asked = {name: value for name in ("number", "start", "stop") if (value := getattr(request, name))}
        told = [str(message) for message in request.messages]
        if told:
            asked |= {"message": told[0]} if len(told) == 1 else {"messages": told}
        proof = self._completeness(conn, gathered, request)
        return Material(
            origin=self._ledger.origin,
            case=request.case,
            asked=asked,
            export=export,
            made_at=int(decode_entry(self._ledger.leaf(export))["at"]),
            note=note,
            policy=format_policy(self._policy()),
            entries=entries,
            registry=tuple(registry),
            chain=chain,
            timestamps=tokens,
            timestamp_roots=self._roots if tokens else b"",
            completeness=proof,
            environment=environment,
            custody=self._custody(conn, request.case),
            readings=self._readings(request, entries, export, bool(tokens), proof is not None),
        )

    def _policy(self) -> TrustPolicy:
        me = tuple(Party(each.name, each) for each in self._known)
        if self._witnesses is None:
            return TrustPolicy(me, (), (), "none")
        return TrustPolicy(me, self._witnesses.witnesses, self._witnesses.groups, self._witnesses.quorum)

    def _completeness(
        self, conn: sqlite3.Connection, gathered: _Gathered, request: Request
    ) -> CompletenessProof | None:
        if gathered.number is None or not gathered.intervals:
            return None
        name = self._names.name(gathered.number)
        start = request.start
        if start is None and gathered.before is not None:
            start = gathered.before.at + SLACK_US + 1
        return CompletenessProof(
            number=gathered.number,
            name_proof=self._names.prove(gathered.number),
            start=start or 0,
            stop=gathered.stop,
            before=gathered.before.position if gathered.before else None,
            intervals=tuple(
                IntervalProof(each.position, completeness.look_up(conn, self._names, name, each))
                for each in gathered.intervals
            ),
        )

    def _chain(
        self, conn: sqlite3.Connection, hashes: TileHashes, gathered: _Gathered, size: int, note: bytes
    ) -> tuple[tuple[Step, ...], dict[int, bytes]]:
        """The first checkpoint, those around the case that others vouched for, and the one proved against."""
        low, high = (gathered.case or (0,))[0], (gathered.case or (0,))[-1]
        notes = {size: note}
        one = "SELECT size, note FROM checkpoint WHERE size >= ? AND size < ? ORDER BY size LIMIT 1"
        for least in (1, low + 1, high + 1):
            notes |= dict(conn.execute(one, (least, size)).fetchall())
        tokens: dict[int, bytes] = {}
        for sql, bound in (
            ("SELECT size, note, token FROM timestamp_token WHERE size <= ? ORDER BY size DESC LIMIT 1", low),
            ("SELECT size, note, token FROM timestamp_token WHERE size > ? ORDER BY size LIMIT 1", high),
            (
                "SELECT size, note, token FROM timestamp_token WHERE size <= ? ORDER BY size DESC LIMIT 1",
                size,
            ),
        ):
            for stamped, its_note, token in conn.execute(sql, (bound,)).fetchall():
                if 0 < stamped < size or its_note == note:
                    notes[stamped], tokens[stamped] = its_note, token
        sizes = sorted(notes)[-CHECKPOINTS_MAX:]
        steps = []
        for i, each in enumerate(sizes):
            proof = merkle.consistency_proof(each, sizes[i + 1], hashes) if i + 1 < len(sizes) else []
            steps.append(Step(each, notes[each], tuple(proof)))
        return tuple(steps), {s: token for s, token in tokens.items() if s in sizes}

    def _custody(self, conn: sqlite3.Connection, case: str) -> bytes:
        rows = [
            {**decode_entry(self._ledger.leaf(position)), "index": position}
            for position in landmarks.positions(conn, "export/1")
        ]
        return readings.custody_csv([row for row in rows if row["case"] == case])

    def _readings(
        self, request: Request, entries: Sequence[CaseEntry], export: int, has_tokens: bool, has_proof: bool
    ) -> dict[str, bytes]:
        lines = readings.timeline(entries)
        made_at = int(decode_entry(self._ledger.leaf(export))["at"])
        files = {"timeline.html": readings.timeline_html(request.case, self._ledger.origin, lines)}
        has = {"时间戳": has_tokens, "完整性证明": has_proof, "外部见证": self._witnesses is not None}
        if self._with_pdf:
            files["timeline.pdf"] = readings.timeline_pdf(request.case, self._ledger.origin, lines, made_at)
        key = encode_vkey(self._ledger.verifier)
        zh, en = readings.readme(request.case, self._ledger.origin, key, len(entries), has)
        return files | {"README.zh.txt": zh, "README.en.txt": en}
