"""Long messages in parts: each part is durable before it is answered; the whole is reviewed, never a part."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Literal

import msgspec
import structlog
from msgspec import Struct

from tideng.evidence.subjects import open_sealed, seal
from tideng.gateway.messages import MessageId, Micros
from tideng.gateway.pump import Overloaded, Pump
from tideng.gateway.store.fragments import (
    Fragment,
    count_fragments,
    drop_fragments,
    fragments_of,
    keep_fragments,
    old_fragments,
)
from tideng.gateway.store.store import Store
from tideng.text.alphabets import Alphabet, Undecodable
from tideng.text.concatenation import Concatenation, join

_log = structlog.get_logger()
EXPIRED_AT_ONCE_MAX: Final = 5_000
_NONCE_OCTETS: Final = 12


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
    raw_hash: bytes
    received_at: Micros
    context: bytes = b""
    """The door's own, kept with the part and given back with the whole."""


class Whole(Struct, frozen=True, kw_only=True, gc=False):
    """A long message: complete (`text` is set), unreadable or given up (`fault` says why)."""

    last: Part
    """The part that came last; its id is the whole's."""
    earlier: tuple[MessageId, ...]
    """The ids of the other parts, in the order they came."""
    text: str | None
    fault: str
    raw_hash: bytes
    """SHA-256 over the parts' hashes in order of their index."""
    series: tuple[str, str]


Took = Callable[[Whole | None], None]
"""Called once a part is durable; with the whole when it was the last one."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Part).decode
_Item = tuple[Part, Took, Callable[[], None]]


class Parts:
    """Keeps parts, sealed, until their message is whole or has waited too long."""

    def __init__(self, store: Store, *, wait_s: float, waiting_max: int) -> None:
        self._store = store
        self._wait_us = int(wait_s * 1_000_000)
        self._waiting_max = waiting_max
        self._kept = count_fragments(store.reader)
        self._pump: Pump[_Item] = Pump(
            "parts", self._work, self._failed, waiting_max=waiting_max, batch_max=500
        )
        self.start = self._pump.start
        self.close = self._pump.close

    def offer(self, part: Part, took: Took, failed: Callable[[], None]) -> None:
        """Keep one part; exactly one of the two is called. Raises `Overloaded`."""
        if self._kept + len(self._pump) >= self._waiting_max:
            raise Overloaded("parts of long messages", self._waiting_max)
        self._pump.offer((part, took, failed))

    async def forget(self, wholes: Sequence[Whole]) -> None:
        """Their verdicts are recorded, or they were told to their customer: drop the parts."""
        series = [whole.series for whole in wholes]
        await self._store.run(lambda conn: drop_fragments(conn, series))
        self._kept = count_fragments(self._store.reader)

    def left_over(self, origin_prefix: str, *, all_ages: bool = False) -> list[Whole]:
        """Messages that waited too long, and with `all_ages` (at start) those complete already.

        Complete ones had not been recorded when the process ended, or not been dropped: ask for their
        id first.
        """
        now = self._store.now()
        before = now + 1 if all_ages else now - self._wait_us
        grouped: dict[tuple[str, str], list[Fragment]] = {}
        for fragment in old_fragments(self._store.reader, origin_prefix, before, EXPIRED_AT_ONCE_MAX):
            grouped.setdefault((fragment.origin, fragment.series), []).append(fragment)
        wholes = []
        for fragments in grouped.values():
            whole = self._whole([self._open(fragment) for fragment in fragments])
            is_old = min(f.seen_at for f in fragments) < now - self._wait_us
            if is_old or len(fragments) == whole.last.about.total:
                wholes.append(whole)
        return wholes

    async def _work(self, batch: list[_Item]) -> None:
        store = self._store
        subjects = {part.id: store.subject(part.recipient) for part, _, _ in batch}
        keys = await store.keys_for(sorted(set(subjects.values())))
        fragments = [
            Fragment(
                origin=part.origin,
                series=self._series(part),
                part=part.about.index,
                seen_at=part.received_at,
                subject=subjects[part.id],
                sealed=seal(keys[subjects[part.id]], _encode(part), store.entropy(_NONCE_OCTETS), b"part"),
            )
            for part, _, _ in batch
        ]
        await store.run(lambda conn: keep_fragments(conn, fragments))
        self._kept += len(fragments)
        wanted = sorted({(fragment.origin, fragment.series) for fragment in fragments})
        stored: dict[tuple[str, str], list[Fragment]] = {}
        for fragment in fragments_of(store.reader, wanted):
            stored.setdefault((fragment.origin, fragment.series), []).append(fragment)
        # Within a batch the part offered last completes its series.
        last = {(f.origin, f.series): part.id for f, (part, _, _) in zip(fragments, batch, strict=True)}
        for fragment, (part, took, _) in zip(fragments, batch, strict=True):
            key = (fragment.origin, fragment.series)
            group = stored[key]
            if len(group) == part.about.total and last[key] == part.id:
                took(self._whole([self._open(one) for one in group], last=part))
            else:
                took(None)

    def _failed(self, batch: list[_Item], error: Exception) -> None:
        for _, _, failed in batch:
            failed()

    def _series(self, part: Part) -> str:
        about = part.about
        return self._store.series(
            part.origin, part.sender, part.recipient, str(about.reference), str(about.bits), str(about.total)
        )

    def _open(self, fragment: Fragment) -> Part:
        return _decode(open_sealed(self._store.key_for(fragment.subject), fragment.sealed, b"part"))

    def _whole(self, parts: Sequence[Part], *, last: Part | None = None) -> Whole:
        """The message of these parts, which are in order of their index."""
        newest = last or max(parts, key=lambda part: (part.received_at, part.id))
        total = newest.about.total
        text, fault = None, ""
        if len(parts) < total:
            fault = f"incomplete: {len(parts)} of {total} parts came"
        else:
            try:
                text = join({p.about.index: p.octets for p in parts}, Alphabet(newest.alphabet))
            except (Undecodable, ValueError) as error:
                fault = f"unreadable: {error}"
        return Whole(
            last=newest,
            earlier=tuple(p.id for p in sorted(parts, key=lambda p: p.id) if p.id != newest.id),
            text=text,
            fault=fault,
            raw_hash=sha256(b"".join(part.raw_hash for part in parts)).digest(),
            series=(newest.origin, self._series(newest)),
        )
