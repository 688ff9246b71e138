"""What a carrier delivers: reports and replies, read from deliver_sm and data_sm."""

from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.connection import SmppConnection
from tideng.gateway.messages import Micros
from tideng.gateway.wire.smpp import DataSm, DataSmResp, DeliverSm, DeliverSmResp, Status, Tag
from tideng.gateway.wire.smpp.receipts import ReceiptState, parse_receipt
from tideng.text.alphabets import Alphabet, alphabet_of
from tideng.text.concatenation import Concatenation, MalformedUdh, read_udh

DEFAULT_ALPHABETS: Final = {
    "gsm": Alphabet.GSM,
    "latin1": Alphabet.LATIN1,
    "ascii": Alphabet.ASCII,
}

Acknowledge = Callable[[bool], None]
"""Call once, from the event loop's thread, when the gateway has committed (True: ESME_ROK) or cannot
(False: ESME_RX_T_APPN, the carrier shall deliver again). Further calls do nothing; nor does one after the
connection is lost, since the carrier will deliver again by itself."""


class CarrierReport(Struct, frozen=True, kw_only=True):
    """What the carrier says became of one part."""

    carrier: str
    carrier_id: str
    """As the carrier wrote it. Empty when the report names none."""
    state: ReceiptState
    final: bool
    error: str
    """The carrier's own code, as written; may be empty."""
    received_at: Micros
    raw: bytes
    """The PDU."""
    ack: Acknowledge


class CarrierInbound(Struct, frozen=True, kw_only=True):
    """What a phone sent back; one part of it where `concatenation` is set."""

    carrier: str
    sender: str
    """As the carrier wrote it."""
    destination: str
    octets: bytes
    """The user data without its header; UCS-2 in big-endian order."""
    alphabet: Alphabet
    data_coding: int
    concatenation: Concatenation | None
    received_at: Micros
    raw: bytes
    """The PDU."""
    ack: Acknowledge
    fault: str = ""
    """Why the header could not be read, then `octets` still holds it; empty when all is well."""


class _Ack:
    """One answer owed to a carrier."""

    __slots__ = ("_inbox", "_is_data", "_sequence")

    def __init__(self, inbox: "Inbox", sequence: int, is_data: bool) -> None:
        self._inbox: Inbox | None = inbox
        self._sequence = sequence
        self._is_data = is_data

    def __call__(self, ok: bool) -> None:
        inbox = self._inbox
        if inbox is not None:
            self._inbox = None
            inbox.acknowledge(self._sequence, self._is_data, ok)


class Inbox:
    """One connection's deliveries: at most `unacked_max` are with the gateway at a time.

    What came in the same read beyond that is kept here (one read bounds it) and the connection is not read
    until the gateway has caught up.
    """

    def __init__(
        self,
        settings: CarrierSettings,
        connection: SmppConnection,
        *,
        on_reports: Callable[[list[CarrierReport]], None],
        on_inbound: Callable[[list[CarrierInbound]], None],
    ) -> None:
        self.unacked = 0
        self._settings = settings
        self._default = DEFAULT_ALPHABETS[settings.default_alphabet]
        self._connection = connection
        self._on_reports = on_reports
        self._on_inbound = on_inbound
        self._kept: deque[tuple[DeliverSm | DataSm, bytes, Micros]] = deque()
        self._is_over = False

    def take(self, deliveries: list[tuple[DeliverSm | DataSm, bytes]], received_at: Micros) -> None:
        """Hand over what one read brought, as two lists at most."""
        self._kept.extend((pdu, frame, received_at) for pdu, frame in deliveries)
        self._hand_over()
        if self._kept:
            self._connection.pause_reading()

    def acknowledge(self, sequence: int, is_data: bool, ok: bool) -> None:
        """Answer one delivery; take in what had to wait once half the room is free."""
        self.unacked -= 1
        if self._is_over or self._connection.is_closing or self._connection.session.is_closed:
            return
        status = Status.ESME_ROK if ok else Status.ESME_RX_T_APPN
        kind = DataSmResp if is_data else DeliverSmResp
        self._connection.respond(kind(sequence=sequence, status=status))
        if self._kept and self.unacked <= self._settings.unacked_max // 2:
            self._hand_over()
            if not self._kept:
                self._connection.resume_reading()

    def close(self) -> None:
        """The connection is lost: what was kept will be delivered again."""
        self._is_over = True
        self._kept.clear()

    def _hand_over(self) -> None:
        reports: list[CarrierReport] = []
        inbound: list[CarrierInbound] = []
        kept = self._kept
        while kept and self.unacked < self._settings.unacked_max:
            pdu, frame, received_at = kept.popleft()
            self.unacked += 1
            ack = _Ack(self, pdu.sequence, type(pdu) is DataSm)
            if pdu.is_receipt or pdu.is_intermediate:
                reports.append(self._report(pdu, frame, received_at, ack))
            else:
                inbound.append(self._reply(pdu, frame, received_at, ack))
        if reports:
            self._on_reports(reports)
        if inbound:
            self._on_inbound(inbound)

    def _report(self, pdu: DeliverSm | DataSm, frame: bytes, received_at: Micros, ack: _Ack) -> CarrierReport:
        receipt = parse_receipt(pdu)
        return CarrierReport(
            carrier=self._settings.id,
            carrier_id=receipt.message_id if receipt else "",
            state=receipt.state if receipt else ReceiptState.UNKNOWN,
            final=receipt.final if receipt and not pdu.is_intermediate else False,
            error=receipt.error if receipt else "",
            received_at=received_at,
            raw=frame,
            ack=ack,
        )

    def _reply(self, pdu: DeliverSm | DataSm, frame: bytes, received_at: Micros, ack: _Ack) -> CarrierInbound:
        octets, alphabet, fault = pdu.content, alphabet_of(pdu.data_coding, self._default), ""
        concatenation = _concatenation_by_tlv(pdu)
        if pdu.has_udh:
            try:
                udh, octets = read_udh(octets)
                # Both at once is forbidden (SMPP 3.4 §5.2.12) and arrives: the header wins.
                concatenation = udh.concatenation or concatenation
            except MalformedUdh as error:
                fault = str(error)
        if alphabet is Alphabet.UCS2 and self._settings.ucs2_byte_order == "little" and len(octets) % 2 == 0:
            octets = swap_octets(octets)
        return CarrierInbound(
            carrier=self._settings.id,
            sender=pdu.source_addr,
            destination=pdu.destination_addr,
            octets=octets,
            alphabet=alphabet,
            data_coding=pdu.data_coding,
            concatenation=concatenation,
            received_at=received_at,
            raw=frame,
            ack=ack,
            fault=fault,
        )


def swap_octets(octets: bytes) -> bytes:
    """UTF-16 in the other byte order. The length must be even."""
    swapped = bytearray(octets)
    swapped[::2], swapped[1::2] = octets[1::2], octets[::2]
    return bytes(swapped)


def _concatenation_by_tlv(pdu: DeliverSm | DataSm) -> Concatenation | None:
    if not pdu.tlvs:
        return None
    total, index = _number(pdu, Tag.SAR_TOTAL_SEGMENTS), _number(pdu, Tag.SAR_SEGMENT_SEQNUM)
    reference = pdu.tlv(Tag.SAR_MSG_REF_NUM)
    if reference is None or not 1 <= index <= total <= 255:
        return None
    return Concatenation(reference=int.from_bytes(reference[-2:], "big"), bits=16, total=total, index=index)


def _number(pdu: DeliverSm | DataSm, tag: Tag) -> int:
    """0 when absent. A wrong length is read as what it says: a reply is worth more than its form."""
    return int.from_bytes(pdu.tlv(tag) or b"", "big")
