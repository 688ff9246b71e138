"""Hand-written readers and writers of the hot path: submit_sm, deliver_sm and their responses.

About eight PDUs pass for each message, so these spend no time on tables. Everything else is in `layouts`.
"""

import struct
from typing import Final, TypeVar

from tideng.gateway.wire.smpp.errors import OurMistake, PeerMistake
from tideng.gateway.wire.smpp.octets import (
    c_octets,
    c_time,
    check_message,
    peer_mistake,
    read_tlvs,
    read_tlvs_as_far_as_possible,
    write_tlvs,
)
from tideng.gateway.wire.smpp.pdus import (
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    Message,
    Pdu,
    SubmitSm,
    SubmitSmResp,
)
from tideng.gateway.wire.smpp.statuses import Status
from tideng.gateway.wire.smpp.tlvs import Tag

MessageIdResp = SubmitSmResp | DeliverSmResp | DataSmResp
_M = TypeVar("_M", bound=Message)
_R = TypeVar("_R", bound=MessageIdResp)

SERVICE_TYPE_OCTETS: Final = 6
ADDRESS_OCTETS: Final = 21
MESSAGE_ID_OCTETS: Final = 65
MESSAGE_ID_READ_OCTETS_MAX: Final = 255
"""Longer than the specification's 65: some message centres exceed it, and losing the id loses the receipt."""

_FIVE: Final = struct.Struct("5B")
_read_five = _FIVE.unpack_from
_write_two = struct.Struct("2B").pack
_write_three = struct.Struct("3B").pack
_write_five = _FIVE.pack


def _too_long(frame: bytes, ends: tuple[int, int, int, int, int]) -> PeerMistake:
    """Which C-octet string of a message body exceeds its limit."""
    service, source, destination, schedule, _ = ends
    if service - 16 >= SERVICE_TYPE_OCTETS:
        return peer_mistake(frame, "service_type is over 5 octets", Status.ESME_RINVSERTYP)
    if source - service - 3 >= ADDRESS_OCTETS:
        return peer_mistake(frame, "source_addr is over 20 octets", Status.ESME_RINVSRCADR)
    if destination - source - 3 >= ADDRESS_OCTETS:
        return peer_mistake(frame, "destination_addr is over 20 octets", Status.ESME_RINVDSTADR)
    if schedule - destination - 4 > 16:
        return peer_mistake(frame, "schedule_delivery_time is over 16 octets", Status.ESME_RINVSCHED)
    return peer_mistake(frame, "validity_period is over 16 octets", Status.ESME_RINVEXPIRY)


def _read_message(frame: bytes, sequence: int, status: int, make: type[_M]) -> _M:
    """The body both message requests share. ValueError or struct.error: it ends early."""
    index = frame.index
    # Each NUL is searched behind the fixed octets that stand before its string.
    service = index(0, 16)
    source = index(0, service + 3)
    destination = index(0, source + 3)
    schedule = index(0, destination + 4)
    validity = index(0, schedule + 1)
    registered, replace, coding, default_id, length = _read_five(frame, validity + 1)
    if (
        service > 21
        or source - service > 23
        or destination - source > 23
        or schedule - destination > 20
        or validity - schedule > 17
    ):
        raise _too_long(frame, (service, source, destination, schedule, validity))
    start = validity + 6
    end = start + length
    size = len(frame)
    if end > size or length == 255:
        raise peer_mistake(
            frame, f"sm_length is {length}, {size - start} octets are left", Status.ESME_RINVMSGLEN
        )
    text = frame[16:validity].decode("latin-1")
    return make(
        sequence,
        status,
        () if end == size else read_tlvs(frame, end),
        text[: service - 16],
        frame[service + 1],
        frame[service + 2],
        text[service - 13 : source - 16],
        frame[source + 1],
        frame[source + 2],
        text[source - 13 : destination - 16],
        frame[destination + 1],
        frame[destination + 2],
        frame[destination + 3],
        text[destination - 12 : schedule - 16],
        text[schedule - 15 :],
        registered,
        replace,
        coding,
        default_id,
        frame[start:end],
    )


def read_submit_sm(frame: bytes, sequence: int, status: int) -> SubmitSm:
    """A submit_sm. Text in both places is refused: what is reviewed must be what is sent."""
    pdu = _read_message(frame, sequence, status, SubmitSm)
    if pdu.tlvs and pdu.short_message and pdu.tlv(Tag.MESSAGE_PAYLOAD):
        raise peer_mistake(
            frame, "short_message and message_payload are both set; send one", Status.ESME_RINVMSGLEN
        )
    return pdu


def read_deliver_sm(frame: bytes, sequence: int, status: int) -> DeliverSm:
    """A deliver_sm. A message_payload beside short_message is tolerated: a refused receipt is a lost one."""
    return _read_message(frame, sequence, status, DeliverSm)


def write_message(pdu: Message) -> bytes:
    """The body of a submit_sm or deliver_sm. Raises OurMistake."""
    octets = pdu.short_message
    tlvs = pdu.tlvs
    if tlvs or len(octets) > 254:
        check_message(octets, tlvs)
    schedule = pdu.schedule_delivery_time
    validity = pdu.validity_period
    try:
        return b"".join(
            (
                c_octets(pdu.service_type, SERVICE_TYPE_OCTETS, "service_type"),
                _write_two(pdu.source_addr_ton, pdu.source_addr_npi),
                c_octets(pdu.source_addr, ADDRESS_OCTETS, "source_addr"),
                _write_two(pdu.dest_addr_ton, pdu.dest_addr_npi),
                c_octets(pdu.destination_addr, ADDRESS_OCTETS, "destination_addr"),
                _write_three(pdu.esm_class, pdu.protocol_id, pdu.priority_flag),
                c_time(schedule, "schedule_delivery_time") if schedule else b"\0",
                c_time(validity, "validity_period") if validity else b"\0",
                _write_five(
                    pdu.registered_delivery,
                    pdu.replace_if_present_flag,
                    pdu.data_coding,
                    pdu.sm_default_msg_id,
                    len(octets),
                ),
                octets,
                write_tlvs(tlvs) if tlvs else b"",
            )
        )
    except struct.error as error:
        raise OurMistake("a one-octet field of the message is outside 0 to 255; correct it") from error


def _read_message_id(frame: bytes, sequence: int, status: int, make: type[_R]) -> _R:
    """A response that carries message_id, as far as it goes: no body, no NUL, odd TLVs are all taken."""
    size = len(frame)
    if size == 16:
        return make(sequence, status)
    end = frame.find(0, 16)
    if end < 0:
        return make(sequence, status, (), frame[16 : 16 + MESSAGE_ID_READ_OCTETS_MAX].decode("latin-1"))
    tlvs = () if end + 1 == size else read_tlvs_as_far_as_possible(frame, end + 1)
    return make(
        sequence, status, tlvs, frame[16 : min(end, 16 + MESSAGE_ID_READ_OCTETS_MAX)].decode("latin-1")
    )


def read_submit_sm_resp(frame: bytes, sequence: int, status: int) -> SubmitSmResp:
    """A submit_sm_resp; never a mistake, since a response cannot be answered."""
    return _read_message_id(frame, sequence, status, SubmitSmResp)


def read_deliver_sm_resp(frame: bytes, sequence: int, status: int) -> DeliverSmResp:
    """A deliver_sm_resp; never a mistake."""
    return _read_message_id(frame, sequence, status, DeliverSmResp)


def read_data_sm_resp(frame: bytes, sequence: int, status: int) -> DataSmResp:
    """A data_sm_resp; never a mistake."""
    return _read_message_id(frame, sequence, status, DataSmResp)


def write_message_id(pdu: MessageIdResp) -> bytes:
    """The body of such a response: none when it failed and says nothing (§4.4.2).

    A failed response with a TLV has a body: additional_status_info_text is how we name the findings.
    """
    message_id = pdu.message_id
    tlvs = pdu.tlvs
    if not message_id and not tlvs:
        return b"" if pdu.status else b"\0"
    octets = c_octets(message_id, MESSAGE_ID_OCTETS, "message_id")
    return octets + write_tlvs(tlvs) if tlvs else octets


def write_nothing(pdu: Pdu) -> bytes:
    """No body but TLVs, which a header-only PDU may carry in 5.0."""
    return write_tlvs(pdu.tlvs) if pdu.tlvs else b""
