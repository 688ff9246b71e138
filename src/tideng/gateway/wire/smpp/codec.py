"""One whole PDU from bytes, and to bytes. Strict out, lenient in."""

import struct
from collections.abc import Callable
from typing import Any, Final

from tideng.gateway.wire.smpp import layouts, messages, pdus
from tideng.gateway.wire.smpp.commands import ANSWERED, RESPONSE_BIT, UNSUPPORTED, Command, command_name
from tideng.gateway.wire.smpp.errors import OurMistake, PeerMistake
from tideng.gateway.wire.smpp.octets import HEADER, HEADER_OCTETS
from tideng.gateway.wire.smpp.pdus import Pdu, Unsupported
from tideng.gateway.wire.smpp.statuses import Status

SEQUENCE_MAX: Final = 0x7FFF_FFFF

Reader = Callable[[bytes, int, int], Pdu]

READERS: Final[dict[int, Reader]] = {
    Command.SUBMIT_SM: messages.read_submit_sm,
    Command.SUBMIT_SM_RESP: messages.read_submit_sm_resp,
    Command.DELIVER_SM: messages.read_deliver_sm,
    Command.DELIVER_SM_RESP: messages.read_deliver_sm_resp,
    Command.DATA_SM_RESP: messages.read_data_sm_resp,
    Command.SUBMIT_MULTI_RESP: layouts.response_reader(pdus.SubmitMultiResp),
    Command.QUERY_SM_RESP: layouts.response_reader(pdus.QuerySmResp),
    **{
        command: layouts.response_reader(pdus.BindResp, command)
        for command in (
            Command.BIND_RECEIVER_RESP,
            Command.BIND_TRANSMITTER_RESP,
            Command.BIND_TRANSCEIVER_RESP,
        )
    },
    **{
        make.command_id: layouts.response_reader(make)
        for make in (
            pdus.UnbindResp,
            pdus.EnquireLinkResp,
            pdus.CancelSmResp,
            pdus.ReplaceSmResp,
            pdus.GenericNack,
        )
    },
    **{
        make.command_id: layouts.reader(make)
        for make in (
            pdus.BindReceiver,
            pdus.BindTransmitter,
            pdus.BindTransceiver,
            pdus.Outbind,
            pdus.Unbind,
            pdus.EnquireLink,
            pdus.SubmitMulti,
            pdus.DataSm,
            pdus.QuerySm,
            pdus.CancelSm,
            pdus.ReplaceSm,
            pdus.AlertNotification,
        )
    },
}

# Any: each writer takes the PDUs it is registered for, which a dict's type cannot say.
WRITERS: Final[dict[type[Pdu], Callable[[Any], bytes]]] = {
    **dict.fromkeys(layouts.FIELDS, layouts.write),
    pdus.SubmitSm: messages.write_message,
    pdus.DeliverSm: messages.write_message,
    pdus.SubmitSmResp: messages.write_message_id,
    pdus.DeliverSmResp: messages.write_message_id,
    pdus.DataSmResp: messages.write_message_id,
    pdus.Unbind: messages.write_nothing,
    pdus.UnbindResp: messages.write_nothing,
    pdus.EnquireLink: messages.write_nothing,
    pdus.EnquireLinkResp: messages.write_nothing,
    pdus.GenericNack: messages.write_nothing,
}

_read_header = HEADER.unpack_from
_write_header = HEADER.pack


def decode(frame: bytes | memoryview) -> Pdu:
    """The PDU in exactly these octets. Raises only PeerMistake, with the status to answer.

    A 5.0 command that we do not serve comes out as `Unsupported`. Unknown TLVs are kept. A response is
    read as far as it goes, since nobody could answer a mistake in it.
    """
    if type(frame) is not bytes:
        frame = bytes(frame)
    size = len(frame)
    if size < HEADER_OCTETS:
        raise PeerMistake(
            f"a PDU of {size} octets; the header alone is 16", status=Status.ESME_RINVCMDLEN, close=True
        )
    length, command_id, status, sequence = _read_header(frame)
    if length != size:
        raise PeerMistake(
            f"command_length is {length}, the PDU is {size} octets",
            status=Status.ESME_RINVCMDLEN,
            command_id=command_id,
            sequence=sequence,
            close=True,
        )
    read = READERS.get(command_id)
    if read is None:
        if command_id in UNSUPPORTED:
            return Unsupported(sequence, status, (), command_id, frame[HEADER_OCTETS:])
        raise PeerMistake(
            f"unknown command 0x{command_id:08X}",
            status=Status.ESME_RINVCMDID,
            command_id=command_id,
            sequence=sequence,
        )
    try:
        return read(frame, sequence, status)
    except (ValueError, IndexError, struct.error) as error:
        # The readers' own way to say that a NUL or a fixed field lies behind the end.
        raise PeerMistake(
            f"{command_name(command_id)}: the body of {size - HEADER_OCTETS} octets ends early",
            status=Status.ESME_RINVCMDLEN,
            command_id=command_id,
            sequence=sequence,
        ) from error


def encode(pdu: Pdu, sequence: int | None = None) -> bytes:
    """The octets of a PDU, with `sequence` in place of its own number when given.

    Raises OurMistake for a field over its limit or a value that is not legal, naming the field only.
    """
    number = pdu.sequence if sequence is None else sequence
    write = WRITERS.get(type(pdu))
    if write is None:
        raise OurMistake(f"{type(pdu).__name__} is never sent")
    body = write(pdu)
    command_id = pdu.command_id
    # A response repeats the peer's number, whatever it was; our own numbers obey §3.2.
    if command_id < RESPONSE_BIT and not 0 < number <= SEQUENCE_MAX:
        raise OurMistake(f"sequence_number of a request is {number}; it must be 1 to 0x7FFFFFFF")
    try:
        return _write_header(HEADER_OCTETS + len(body), command_id, pdu.status, number) + body
    except struct.error as error:
        raise OurMistake("command_status or sequence_number does not fit into 32 bits") from error


def refusal(command_id: int, sequence: int, status: int) -> bytes:
    """The protocol's error answer to a request: its own response, without a body, or a generic_nack (§3.3).

    Empty for a response: its number is one of ours, and a nack with it would hit our peer's request.
    """
    if command_id in ANSWERED:
        return _write_header(HEADER_OCTETS, command_id | RESPONSE_BIT, status, sequence)
    if command_id & RESPONSE_BIT:
        return b""
    return _write_header(HEADER_OCTETS, Command.GENERIC_NACK, status, sequence)
