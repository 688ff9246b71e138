"""The pieces every PDU body is made of: header, C-octet strings, TLV stream (SMPP 3.4 §3.1, §3.2, §5.3.1).

Readers are lenient where leniency loses nothing, writers are strict.
"""

import struct
from typing import Final

from tideng.gateway.wire.smpp.commands import command_name
from tideng.gateway.wire.smpp.errors import OurMistake, PeerMistake
from tideng.gateway.wire.smpp.statuses import Status
from tideng.gateway.wire.smpp.tlvs import Tag, Tlvs, tag_name

HEADER: Final = struct.Struct(">IIII")
HEADER_OCTETS: Final = HEADER.size
TLV_HEAD: Final = struct.Struct(">HH")
TLV_OCTETS_MAX: Final = 65_535

_read_tlv_head = TLV_HEAD.unpack_from
_write_tlv_head = TLV_HEAD.pack


def peer_mistake(frame: bytes, reason: str, status: int) -> PeerMistake:
    """The mistake in this frame, with the numbers its answer needs. `frame` has a whole header."""
    _, command_id, _, sequence = HEADER.unpack_from(frame)
    return PeerMistake(
        f"{command_name(command_id)}: {reason}", status=status, command_id=command_id, sequence=sequence
    )


def read_tlvs(frame: bytes, start: int) -> Tlvs:
    """Every TLV from `start` to the end, unknown ones too.

    Raises PeerMistake ESME_RINVOPTPARSTREAM when the stream does not come out even.
    """
    size = len(frame)
    found = []
    while start < size:
        if start + 4 > size:
            raise peer_mistake(
                frame, f"{size - start} octets after the last TLV", Status.ESME_RINVOPTPARSTREAM
            )
        tag, length = _read_tlv_head(frame, start)
        start += 4
        end = start + length
        if end > size:
            raise peer_mistake(
                frame,
                f"{tag_name(tag)} says {length} octets, {size - start} are left",
                Status.ESME_RINVOPTPARSTREAM,
            )
        found.append((tag, frame[start:end]))
        start = end
    return tuple(found)


def read_tlvs_as_far_as_possible(frame: bytes, start: int) -> Tlvs:
    """As `read_tlvs`, without what does not come out even: for responses, which nobody can answer."""
    size = len(frame)
    found = []
    while start + 4 <= size:
        tag, length = _read_tlv_head(frame, start)
        start += 4
        if start + length > size:
            break
        found.append((tag, frame[start : start + length]))
        start += length
    return tuple(found)


def write_tlvs(tlvs: Tlvs) -> bytes:
    """The TLV stream. Raises OurMistake for a tag or length that does not fit in 16 bits."""
    pieces: list[bytes] = []
    for tag, value in tlvs:
        try:
            pieces += (_write_tlv_head(tag, len(value)), value)
        except struct.error as error:
            raise OurMistake(
                f"{tag_name(tag)}: tag and length are limited to 65 535, the value is {len(value)} octets"
            ) from error
    return b"".join(pieces)


def c_octets(value: str, octets_max: int, field: str) -> bytes:
    """A C-octet string with its NUL, which counts in `octets_max`. Raises OurMistake, naming the field."""
    if not value:
        return b"\0"
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError:
        # Not chained: that error quotes the value, which may be personal.
        raise OurMistake(f"{field} holds a character outside Latin-1; send Latin-1 only") from None
    if len(octets) >= octets_max or b"\0" in octets:
        raise OurMistake(
            f"{field} is {len(octets)} octets; the limit is {octets_max - 1} and no NUL inside. Shorten it"
        )
    return octets + b"\0"


def c_time(value: str, field: str) -> bytes:
    """A time field: empty, or exactly 16 octets (§7.1.1). Raises OurMistake."""
    if value and len(value) != 16:
        raise OurMistake(f"{field} is {len(value)} characters; it must be empty or 16")
    return c_octets(value, 17, field)


def one_octet(value: int, field: str) -> bytes:
    """One unsigned octet. Raises OurMistake."""
    if not 0 <= value <= 255:
        raise OurMistake(f"{field} is {value}; it must be 0 to 255")
    return value.to_bytes(1, "big")


def check_message(octets: bytes, tlvs: Tlvs) -> None:
    """short_message is at most 254 octets, and never beside message_payload (§5.2.22). Raises OurMistake."""
    if len(octets) > 254:
        raise OurMistake(
            f"short_message is {len(octets)} octets; the limit is 254. Split it or use message_payload"
        )
    if octets and any(tag == Tag.MESSAGE_PAYLOAD for tag, _ in tlvs):
        raise OurMistake("short_message and message_payload are both set; send one of them")
