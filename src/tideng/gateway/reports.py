"""Delivery reports: which message is meant, what changes, who is told. Acknowledged after the commit."""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog
from msgspec import Struct

from tideng.evidence.commitment import commit
from tideng.evidence.entries import encode_entry
from tideng.gateway.carriers.incoming import CarrierReport
from tideng.gateway.entries import ReportEntry
from tideng.gateway.ids import MessageIds
from tideng.gateway.mailbox import Mailbox
from tideng.gateway.messages import Micros
from tideng.gateway.pump import Pump
from tideng.gateway.settings import ReportSettings
from tideng.gateway.store.mailbox import NewMail
from tideng.gateway.store.outbox import Booking, folded
from tideng.gateway.store.reports import (
    Change,
    PartRow,
    all_orphans,
    drop_orphans,
    find_parts,
    park_orphans,
    part_states,
    write_changes,
)
from tideng.gateway.store.states import FINAL, of_parts
from tideng.gateway.store.store import Store
from tideng.gateway.telling import is_told
from tideng.gateway.wire.smpp.receipts import IdDifference, ReceiptState, id_forms

_log = structlog.get_logger()

STATES: Final[Mapping[ReceiptState, str]] = {
    ReceiptState.DELIVERED: "delivered",
    ReceiptState.EXPIRED: "expired",
    ReceiptState.DELETED: "failed",
    ReceiptState.UNDELIVERABLE: "failed",
    ReceiptState.REJECTED: "failed",
    ReceiptState.UNKNOWN: "unknown",
    ReceiptState.ACCEPTED: "unknown",
    ReceiptState.SKIPPED: "failed",
}
"""What a final report makes of a part. ACCEPTED (SMPP 3.4 §5.2.28) is final, but says nothing of delivery."""


class Report(Struct, frozen=True, kw_only=True, gc=False):
    """What a carrier said, without the connection it came over: this can be parked on disk."""

    carrier: str
    carrier_id: str
    state: str
    """"" when it is not final."""
    said: str
    """The carrier's own word for it."""
    error: str
    received_at: Micros
    raw: str
    """Commitment to its PDU."""


_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Report).decode


class Books(Protocol):
    """Dispatch, as reports see it."""

    async def booked(self) -> None: ...


class _Orphan(Struct, frozen=True, gc=False):
    id: int
    report: Report
    seen_at: Micros


_Item = tuple[Report, Callable[[bool], None]]


class Reports:
    """Matches, books and forwards reports; parks those that came before the carrier's own answer."""

    def __init__(
        self,
        store: Store,
        books: Books,
        mailbox: Mailbox,
        ids: MessageIds,
        differences: Mapping[str, Collection[IdDifference]],
        settings: ReportSettings,
    ) -> None:
        self._store = store
        self._books = books
        self._mailbox = mailbox
        self._ids = ids
        self._differences = differences
        self._settings = settings
        self._orphans: OrderedDict[tuple[str, str], list[_Orphan]] = OrderedDict()
        self._pump: Pump[_Item] = Pump(
            "reports", self._work, self._failed, waiting_max=1_000_000, batch_max=1_000
        )
        self.close = self._pump.close

    def start(self) -> None:
        for number, carrier, _, packed, seen_at in all_orphans(self._store.reader):
            report = _unpack(packed)
            self._keep(_Orphan(number, report, seen_at), self._forms_of(carrier, report.carrier_id))
        self._pump.start()

    def take(self, reports: Sequence[CarrierReport]) -> None:
        """What a carrier link read. Bounded by its `unacked_max`; each is acknowledged after its commit."""
        for seen in reports:
            self._pump.put((self._without_link(seen), seen.ack))

    def _without_link(self, seen: CarrierReport) -> Report:
        key = self._store.report_key(seen.carrier, seen.carrier_id, seen.received_at)
        return Report(
            carrier=seen.carrier,
            carrier_id=seen.carrier_id,
            state=STATES.get(seen.state, "") if seen.final else "",
            said=seen.state.name,
            error=seen.error,
            received_at=seen.received_at,
            raw=commit(key, seen.raw.hex()),
        )

    def handed_over(self, bookings: Sequence[Booking], mail: Sequence[NewMail]) -> None:
        """Dispatch has booked these: reports that overtook them can be matched now."""
        if self._orphans:
            for booking in bookings:
                for carrier_id in booking.accepted.values():
                    for orphan in self._orphans.pop((booking.carrier, folded(carrier_id)), ()):
                        self._pump.put((orphan.report, _Forget(orphan.id)))
        self._tell(mail)

    async def tick(self) -> None:
        """Once a minute: give up parked reports that waited too long. Their entries stay in the ledger."""
        horizon = self._store.now() - int(self._settings.orphan_h * 3_600_000_000)
        old = {o.id for group in self._orphans.values() for o in group if o.seen_at < horizon}
        if old:
            for key in list(self._orphans):
                self._orphans[key] = [o for o in self._orphans[key] if o.id not in old]
                if not self._orphans[key]:
                    del self._orphans[key]
            await self._store.run(lambda conn: drop_orphans(conn, sorted(old)))
            _log.warning("reports_without_message", reports=len(old), hours=self._settings.orphan_h)

    def _failed(self, batch: list[_Item], error: Exception) -> None:
        for _, acknowledge in batch:
            acknowledge(False)

    async def _work(self, batch: list[_Item]) -> None:
        # What the carrier answered before it reported must be in the books first.
        await self._books.booked()
        store = self._store
        now = store.ledger.now()
        matches = self._match([report for report, _ in batch])
        long = sorted({row.message for row in matches if row is not None and row.parts > 1})
        parts = part_states(store.reader, long)
        over: set[int] = set()
        changes: list[Change] = []
        orphans: list[_Orphan] = []
        for (report, acknowledge), row in zip(batch, matches, strict=True):
            if row is None:
                if not isinstance(acknowledge, _Forget):
                    orphans.append(_Orphan(self._ids.next(), report, now))
                    changes.append(self._change(report, None, "", None, now))
                continue
            change = self._of_part(report, row, parts.get(row.message, {}), over, now)
            if change is not None:
                changes.append(change)
        found = [acknowledge.orphan for _, acknowledge in batch if isinstance(acknowledge, _Forget)]
        await self._write(changes, orphans, found, now)
        for _, acknowledge in batch:
            acknowledge(True)
        self._tell([change.mail for change in changes if change.mail is not None])

    async def _write(
        self, changes: list[Change], orphans: list[_Orphan], found: list[int], now: Micros
    ) -> None:
        store = self._store
        day = store.day(now)
        parked = [
            (o.id, o.report.carrier, folded(o.report.carrier_id), _pack(o.report), o.seen_at) for o in orphans
        ]

        def job(conn: sqlite3.Connection) -> None:
            write_changes(conn, store.ledger, changes, now, day)
            if parked:
                park_orphans(conn, parked, self._settings.orphans_max)
            if found:
                drop_orphans(conn, found)

        if changes or found:
            await store.run(job)
        for orphan in orphans:
            self._keep(orphan, self._forms_of(orphan.report.carrier, orphan.report.carrier_id))

    def _of_part(
        self, report: Report, row: PartRow, parts: dict[int, str], over: set[int], now: Micros
    ) -> Change | None:
        """The change this report makes, or None when it repeats what the books already say."""
        if row.state and (not report.state or row.state == report.state):
            return None
        if row.parts == 1:
            message_state = report.state
        else:
            parts[row.part] = "delivered" if parts.get(row.part) == "delivered" else report.state
            message_state = of_parts([parts.get(n, "") for n in range(1, row.parts + 1)], row.parts)
        if message_state in ("", "sent") or row.message_state in FINAL or row.message in over:
            return self._change(report, row, "", None, now)
        if message_state in FINAL:
            over.add(row.message)
        mail = None
        if is_told(row.reported, message_state):
            mail = NewMail(
                id=self._ids.next(),
                customer=row.customer,
                kind="report",
                message=row.message,
                state=message_state,
                error=report.error,
                at=now,
                subject=row.subject,
            )
        return self._change(report, row, message_state, mail, now)

    def _change(
        self, report: Report, row: PartRow | None, message_state: str, mail: NewMail | None, now: Micros
    ) -> Change:
        carrier_id = row.carrier_id if row is not None else report.carrier_id
        entry = ReportEntry(
            at=now,
            carrier=report.carrier,
            carrier_id=report.carrier_id,
            error=report.error,
            message=str(row.message) if row is not None else "",
            part=row.part if row is not None else 0,
            raw=report.raw,
            received_at=report.received_at,
            state=report.said,
        )
        return Change(
            message=row.message if row is not None else 0,
            carrier=report.carrier,
            folded=folded(carrier_id),
            carrier_id=carrier_id,
            part_state=report.state if row is not None else "",
            leaf=encode_entry(entry),
            message_state=message_state,
            mail=mail,
        )

    def _match(self, reports: Sequence[Report]) -> list[PartRow | None]:
        """The one part each report can mean; None when there is none, or more than one."""
        forms = [
            (number, report.carrier, form)
            for number, report in enumerate(reports)
            for form in self._forms_of(report.carrier, report.carrier_id)
        ]
        found = find_parts(self._store.reader, forms)
        return [self._one(report, found.get(number, [])) for number, report in enumerate(reports)]

    def _one(self, report: Report, rows: list[PartRow]) -> PartRow | None:
        exact = [row for row in rows if row.carrier_id == report.carrier_id]
        if exact:
            return exact[0]
        allowed = self._differences.get(report.carrier, ())
        wanted = set(id_forms(report.carrier_id, allowed))
        loose = [row for row in rows if wanted.intersection(id_forms(row.carrier_id, allowed))]
        if len({(row.message, row.part) for row in loose}) == 1:
            return loose[0]
        return None

    def _forms_of(self, carrier: str, carrier_id: str) -> tuple[str, ...]:
        if not carrier_id:
            return ()
        forms = id_forms(carrier_id, self._differences.get(carrier, ()))
        return tuple(dict.fromkeys(folded(form) for form in forms))

    def _keep(self, orphan: _Orphan, forms: Sequence[str]) -> None:
        for form in forms:
            self._orphans.setdefault((orphan.report.carrier, form), []).append(orphan)
        while len(self._orphans) > self._settings.orphans_max:
            self._orphans.popitem(last=False)

    def _tell(self, mail: Sequence[NewMail]) -> None:
        if mail:
            self._mailbox.arrived(mail)


class _Forget:
    """Stands for a carrier's acknowledgement when the report came from the parking place."""

    def __init__(self, orphan: int) -> None:
        self.orphan = orphan

    def __call__(self, ok: bool) -> None:
        """Nothing to do: the row is dropped with the booking; after a failure it is found at next start."""
