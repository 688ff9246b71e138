"""Long messages in parts: each part is durable before it is answered; the whole is reviewed, never a part.

Parts that belong together lie under one *series*, named by sender, recipient and reference. Once they are
whole, or given up, they move to a series of their own: the reference may then be used again at once, as
some libraries do for every message, and nothing that was accepted is mixed up or lost.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec
import structlog
from msgspec import Struct, structs

from tideng.evidence.subjects import SealBroken, SubjectErased, open_sealed, seal
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.pump import Overloaded, Pump
from tideng.gateway.store.fragments import (
    Fragment,
    count_fragments,
    drop_fragments,
    fragments_of,
    keep_fragments,
    old_fragments,
    rename_series,
)
from tideng.gateway.store.store import Store
from tideng.text.alphabets import Alphabet, Undecodable
from tideng.text.concatenation import Concatenation, join

_log = structlog.get_logger()
EXPIRED_AT_ONCE_MAX: Final = 5_000
_NONCE_OCTETS: Final = 12
_OF_ITS_OWN: Final = "/"
"""Between the name of a series and the id of the one message it is kept for."""


class Part(Struct, frozen=True, kw_only=True, gc=False):
    """One part as it came, with all that its whole needs to be told from."""

    id: MessageId
    """The id its sender is or was given for it."""
    origin: str
    """customer:<id> or carrier:<id>."""
    sender: str
    recipient: str
    """E.164 digits where it is a number; names the subject it is sealed under."""
    about: Concatenation
    octets: bytes
    alphabet: Literal["gsm", "ascii", "latin1", "ucs2", "utf8", "binary"]
    raw: bytes = b""
    """The PDU as it came; empty in parts that an earlier release kept."""
    received_at: Micros
    context: bytes = b""
    """The door's own, kept with the part and given back with the whole."""
    replaces: tuple[MessageId, ...] = ()
    """Ids given for parts whose place this one took."""


class Whole(Struct, frozen=True, kw_only=True, gc=False):
    """A long message: complete (`text` is set), unreadable or given up (`fault` says why)."""

    last: Part
    """The part that came last; its id is the whole's."""
    given: tuple[MessageId, ...]
    """The ids its sender was given before the verdict, in order: of the other parts, of parts replaced,
    and, where it is given up incomplete, its own."""
    text: str | None
    fault: str
    raw: bytes
    """The parts' PDUs in order of their index; each says its length."""
    series: tuple[str, str]
    """Where its parts lie: origin, and a series of its own."""


Took = Callable[[MessageId, Whole | None], None]
"""Called once a part is durable: the id it is known by, and the whole when the part made it complete.

A part sent again keeps the id it was given first.
"""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Part).decode
_Key = tuple[str, str]
_Move = tuple[str, str, str]
"""origin, series, and the series it becomes."""
_Item = tuple[Part, Took, Callable[[], None]]


class _Piece(Struct, gc=False):
    """A part and how it is kept; `is_new` while it is not on disk."""

    part: Part
    fragment: Fragment
    is_new: bool
    has_place: bool
    """On disk there is a row for it, its own or of the part it replaces."""


class _Closed(Struct):
    """A message that takes no more parts: complete, or given up. It waits for its verdict."""

    whole: Whole
    parts: dict[int, Part]
    is_offered: bool
    """Its verdict is awaited; False when it could not be recorded."""


class _Sorted(Struct):
    """One batch of parts, sorted: what to write, and what became whole. Nothing is written yet."""

    open: dict[_Key, dict[int, _Piece]]
    closed: dict[_Key, list[tuple[_Closed, dict[int, _Piece]]]]
    again: list[_Closed]
    """Closed before, not recorded, and offered again by this batch."""


class Parts:
    """Keeps parts, sealed, until their message is whole or has waited too long."""

    def __init__(self, store: Store, *, wait_s: float, waiting_max: int) -> None:
        self._store = store
        self._wait_us = int(wait_s * 1_000_000)
        self._waiting_max = waiting_max
        self._kept = count_fragments(store.reader)
        self._offered = 0
        self._closed: dict[_Key, dict[str, _Closed]] = {}
        # Reading which series are open, and writing on the strength of it, is one step.
        self._sorting = asyncio.Lock()
        self._pump: Pump[_Item] = Pump(
            "parts", self._work, self._failed, waiting_max=waiting_max, batch_max=500
        )
        self.start = self._pump.start
        self.close = self._pump.close

    def offer(self, part: Part, took: Took, failed: Callable[[], None]) -> None:
        """Keep one part; exactly one of the two is called. Raises `Overloaded`."""
        if self._kept + self._offered >= self._waiting_max:
            raise Overloaded("parts of long messages", self._waiting_max)
        self._pump.offer((part, took, failed))
        self._offered += 1

    async def forget(self, wholes: Sequence[Whole]) -> None:
        """Their verdicts are recorded, or they were told to their customer: drop the parts."""
        series = [whole.series for whole in wholes]
        self._kept -= await self._store.run(lambda conn: drop_fragments(conn, series))
        for origin, name in series:
            base = (origin, _base(name))
            closed = self._closed.get(base, {})
            closed.pop(name, None)
            if not closed:
                self._closed.pop(base, None)

    def not_recorded(self, whole: Whole) -> None:
        """Its verdict could not be recorded: its last part, sent again, offers it again."""
        closed = self._closed_as(*whole.series)
        if closed is not None:
            closed.is_offered = False

    async def left_over(self, origin_prefix: str, *, all_ages: bool = False) -> list[Whole]:
        """Messages that waited too long, and with `all_ages` (at start) those complete already.

        Complete ones had not been recorded when the process ended, or not been dropped: ask for their
        id first. Parts about people who were erased are dropped; nobody could read them any more.
        """
        async with self._sorting:
            now = self._store.now()
            ready: list[_Closed] = []
            moves: list[_Move] = []
            unreadable: list[_Key] = []
            for key, fragments in self._old(origin_prefix, now, all_ages=all_ages).items():
                closed = self._closed_as(*key)
                if closed is not None and closed.is_offered:
                    continue
                try:
                    parts = [self._open(fragment) for fragment in fragments]
                except (SubjectErased, SealBroken):
                    unreadable.append(key)
                    continue
                is_old = min(f.seen_at for f in fragments) < now - self._wait_us
                if is_old or _OF_ITS_OWN in key[1] or len(parts) == parts[0].about.total:
                    ready.append(_close(key, {part.about.index: part for part in parts}))
                    if _OF_ITS_OWN not in key[1]:
                        moves.append((*key, ready[-1].whole.series[1]))
            await self._set_aside(moves, unreadable)
            for closed in ready:
                self._remember(closed)
        return [closed.whole for closed in ready]

    # Inside

    async def _set_aside(self, moves: Sequence[_Move], unreadable: Sequence[_Key]) -> None:
        def job(conn: sqlite3.Connection) -> int:
            rename_series(conn, moves)
            return drop_fragments(conn, unreadable)

        if moves or unreadable:
            dropped = await self._store.run(job)
            self._kept -= dropped
            if dropped:
                _log.info("parts_about_erased_subjects_dropped", parts=dropped)

    def _old(self, origin_prefix: str, now: Micros, *, all_ages: bool) -> dict[_Key, list[Fragment]]:
        before = now + 1 if all_ages else now - self._wait_us
        limit = 2 * self._waiting_max if all_ages else EXPIRED_AT_ONCE_MAX
        fragments = old_fragments(self._store.reader, origin_prefix, before, limit)
        grouped: dict[_Key, list[Fragment]] = {}
        for fragment in fragments:
            grouped.setdefault((fragment.origin, fragment.series), []).append(fragment)
        if len(fragments) == limit and len(grouped) > 1:
            grouped.popitem()  # the limit may have cut it: next time
        return grouped

    async def _work(self, batch: list[_Item]) -> None:
        async with self._sorting:
            told, found = await self._sort(batch)
            try:
                await self._keep(found)
            except BaseException:
                for closed in found.again:
                    closed.is_offered = False
                raise
        self._offered -= len(batch)
        for (_, took, _), (message, whole) in zip(batch, told, strict=True):
            took(message, whole)

    async def _sort(self, batch: list[_Item]) -> tuple[list[tuple[MessageId, Whole | None]], _Sorted]:
        store = self._store
        subjects = {part.id: store.written(part.recipient) for part, _, _ in batch}
        keys = await store.keys_for(sorted(set(subjects.values())))
        found = _Sorted(self._stored({self._key(part) for part, _, _ in batch}), {}, [])
        told = []
        for part, _, _ in batch:
            subject = subjects[part.id]
            known = self._known(part, found)
            if known is None:
                known = (part.id, self._add(part, subject, keys[subject], found))
            told.append(known)
        return told, found

    def _stored(self, keys: set[_Key]) -> dict[_Key, dict[int, _Piece]]:
        pieces: dict[_Key, dict[int, _Piece]] = {key: {} for key in keys}
        for fragment in fragments_of(self._store.reader, sorted(keys)):
            piece = _Piece(self._open(fragment), fragment, False, True)
            pieces[fragment.origin, fragment.series][fragment.part] = piece
        return pieces

    def _known(self, part: Part, found: _Sorted) -> tuple[MessageId, Whole | None] | None:
        """What a part sent again is answered; None for one that is new."""
        key = self._key(part)
        index = part.about.index
        piece = found.open[key].get(index)
        if piece is not None and _is_same(piece.part, part):
            return piece.part.id, None
        in_batch = [closed for closed, _ in found.closed.get(key, ())]
        for closed in (*in_batch, *self._closed.get(key, {}).values()):
            before = closed.parts.get(index)
            if before is None or not _is_same(before, part):
                continue
            if closed.is_offered or before.id != closed.whole.last.id:
                return before.id, None
            closed.is_offered = True
            found.again.append(closed)
            return before.id, closed.whole
        return None

    def _add(self, part: Part, subject: str, key: bytes, found: _Sorted) -> Whole | None:
        """Put a new part to its others; the whole when it was the last one missing."""
        series = self._key(part)
        pieces = found.open[series]
        before = pieces.get(part.about.index)
        if before is not None:
            part = structs.replace(part, replaces=(*before.part.replaces, before.part.id))
        fragment = Fragment(
            origin=part.origin,
            series=series[1],
            part=part.about.index,
            seen_at=part.received_at,
            subject=subject,
            sealed=seal(key, _encode(part), self._store.entropy(_NONCE_OCTETS), b"part"),
        )
        pieces[part.about.index] = _Piece(part, fragment, True, before is not None and before.has_place)
        if len(pieces) < part.about.total:
            return None
        closed = _close(series, {index: piece.part for index, piece in pieces.items()}, last=part)
        found.closed.setdefault(series, []).append((closed, pieces))
        found.open[series] = {}
        return closed.whole

    async def _keep(self, found: _Sorted) -> None:
        """Commit what is new; only then does it count."""
        moves: list[_Move] = []
        new: list[_Piece] = []
        for key, messages in found.closed.items():
            for closed, pieces in messages:
                name = closed.whole.series[1]
                # What lay on disk belongs to the first message that became whole; a second began after it.
                if any(piece.has_place for piece in pieces.values()):
                    moves.append((*key, name))
                for piece in pieces.values():
                    if piece.is_new:
                        piece.fragment = structs.replace(piece.fragment, series=name)
                        new.append(piece)
        for pieces in found.open.values():
            new += [piece for piece in pieces.values() if piece.is_new]

        def job(conn: sqlite3.Connection) -> None:
            rename_series(conn, moves)
            keep_fragments(conn, [piece.fragment for piece in new])

        if new:
            await self._store.run(job)
        self._kept += sum(not piece.has_place for piece in new)
        for messages in found.closed.values():
            for closed, _ in messages:
                self._remember(closed)

    def _failed(self, batch: list[_Item], error: Exception) -> None:
        self._offered -= len(batch)
        for _, _, failed in batch:
            failed()

    def _remember(self, closed: _Closed) -> None:
        origin, name = closed.whole.series
        self._closed.setdefault((origin, _base(name)), {})[name] = closed

    def _closed_as(self, origin: str, name: str) -> _Closed | None:
        return self._closed.get((origin, _base(name)), {}).get(name)

    def _key(self, part: Part) -> _Key:
        about = part.about
        return part.origin, self._store.series(
            part.origin, part.sender, part.recipient, str(about.reference), str(about.bits), str(about.total)
        )

    def _open(self, fragment: Fragment) -> Part:
        return _decode(open_sealed(self._store.key_for(fragment.subject), fragment.sealed, b"part"))


def _is_same(one: Part, other: Part) -> bool:
    return one.octets == other.octets and one.alphabet == other.alphabet


def _base(series: str) -> str:
    return series.partition(_OF_ITS_OWN)[0]


def _close(key: _Key, parts: dict[int, Part], *, last: Part | None = None) -> _Closed:
    """The message of these parts, as it is."""
    origin, series = key
    in_order = [parts[index] for index in sorted(parts)]
    base, _, named = series.partition(_OF_ITS_OWN)
    if named:
        last = next((part for part in in_order if str(part.id) == named), last)
    last = last or max(in_order, key=lambda part: (part.received_at, part.id))
    total = last.about.total
    text, fault = None, ""
    given = {number for part in in_order for number in (part.id, *part.replaces)}
    if len(parts) < total:
        fault = f"incomplete: {len(parts)} of {total} parts came"
    else:
        given.discard(last.id)
        try:
            text = join({part.about.index: part.octets for part in in_order}, Alphabet(last.alphabet))
        except (Undecodable, ValueError) as error:
            fault = f"unreadable: {error}"
    whole = Whole(
        last=last,
        given=tuple(sorted(given)),
        text=text,
        fault=fault,
        raw=b"".join(part.raw for part in in_order),
        series=(origin, f"{base}{_OF_ITS_OWN}{last.id}"),
    )
    return _Closed(whole, parts, True)
