"""Optional parameters, called TLVs since SMPP 5.0: tags, names, and typed readers (SMPP 3.4 §5.3)."""

from enum import IntEnum
from typing import Final

from tideng.gateway.wire.smpp.errors import OurMistake, PeerMistake
from tideng.gateway.wire.smpp.statuses import Status

Tlvs = tuple[tuple[int, bytes], ...]


class Tag(IntEnum):
    """Every TLV of SMPP 3.4 §5.3.2, and those 5.0 adds for the commands we speak."""

    DEST_ADDR_SUBUNIT = 0x0005
    DEST_NETWORK_TYPE = 0x0006
    DEST_BEARER_TYPE = 0x0007
    DEST_TELEMATICS_ID = 0x0008
    SOURCE_ADDR_SUBUNIT = 0x000D
    SOURCE_NETWORK_TYPE = 0x000E
    SOURCE_BEARER_TYPE = 0x000F
    SOURCE_TELEMATICS_ID = 0x0010
    QOS_TIME_TO_LIVE = 0x0017
    PAYLOAD_TYPE = 0x0019
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D
    RECEIPTED_MESSAGE_ID = 0x001E
    MS_MSG_WAIT_FACILITIES = 0x0030
    PRIVACY_INDICATOR = 0x0201
    SOURCE_SUBADDRESS = 0x0202
    DEST_SUBADDRESS = 0x0203
    USER_MESSAGE_REFERENCE = 0x0204
    USER_RESPONSE_CODE = 0x0205
    SOURCE_PORT = 0x020A
    DESTINATION_PORT = 0x020B
    SAR_MSG_REF_NUM = 0x020C
    LANGUAGE_INDICATOR = 0x020D
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    CALLBACK_NUM_PRES_IND = 0x0302
    CALLBACK_NUM_ATAG = 0x0303
    NUMBER_OF_MESSAGES = 0x0304
    CALLBACK_NUM = 0x0381
    DPF_RESULT = 0x0420
    SET_DPF = 0x0421
    MS_AVAILABILITY_STATUS = 0x0422
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    DELIVERY_FAILURE_REASON = 0x0425
    MORE_MESSAGES_TO_SEND = 0x0426
    MESSAGE_STATE = 0x0427
    CONGESTION_STATE = 0x0428  # 5.0
    USSD_SERVICE_OP = 0x0501
    BILLING_IDENTIFICATION = 0x060B  # 5.0
    SOURCE_NETWORK_ID = 0x060D  # 5.0
    DEST_NETWORK_ID = 0x060E  # 5.0
    SOURCE_NODE_ID = 0x060F  # 5.0
    DEST_NODE_ID = 0x0610  # 5.0
    DEST_ADDR_NP_RESOLUTION = 0x0611  # 5.0
    DEST_ADDR_NP_INFORMATION = 0x0612  # 5.0
    DEST_ADDR_NP_COUNTRY = 0x0613  # 5.0
    DISPLAY_TIME = 0x1201
    SMS_SIGNAL = 0x1203
    MS_VALIDITY = 0x1204
    ALERT_ON_MESSAGE_DELIVERY = 0x130C
    ITS_REPLY_TYPE = 0x1380
    ITS_SESSION_INFO = 0x1383


CONTENT_TAGS: Final = frozenset(
    {Tag.MESSAGE_PAYLOAD, Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM}
)
"""TLVs without which a message would not be the same message: never dropped silently."""

STATUS_TEXT_OCTETS_MAX: Final = 256
"""additional_status_info_text, its NUL included (SMPP 3.4 §5.3.2.11)."""


def tag_name(tag: int) -> str:
    """The specification's name of a tag, or its number in hexadecimal."""
    try:
        return Tag(tag).name.lower()
    except ValueError:
        return f"0x{tag:04X}"


def find(tlvs: Tlvs, tag: int) -> bytes | None:
    """The value of the first TLV with this tag, or None. Repeated TLVs: the first wins."""
    for known, value in tlvs:
        if known == tag:
            return value
    return None


def require(tlvs: Tlvs, tag: int) -> bytes:
    """The value of a TLV the peer had to send. PeerMistake ESME_RMISSINGOPTPARAM (5.0: RMISSINGTLV)."""
    value = find(tlvs, tag)
    if value is None:
        raise PeerMistake(f"{tag_name(tag)} is missing; send it", status=Status.ESME_RMISSINGOPTPARAM)
    return value


def integer(tlvs: Tlvs, tag: int, octets: int) -> int | None:
    """An unsigned integer TLV of exactly `octets` octets, or None. Raises PeerMistake ESME_RINVPARLEN."""
    value = find(tlvs, tag)
    if value is None:
        return None
    if len(value) != octets:
        raise PeerMistake(
            f"{tag_name(tag)} is {len(value)} octets; it must be {octets}", status=Status.ESME_RINVPARLEN
        )
    return int.from_bytes(value, "big")


def text(tlvs: Tlvs, tag: int) -> str | None:
    """A C-octet string TLV as Latin-1, with or without its NUL, or None."""
    value = find(tlvs, tag)
    if value is None:
        return None
    return value.partition(b"\0")[0].decode("latin-1")


def integer_tlv(tag: int, value: int, octets: int) -> tuple[int, bytes]:
    """An integer TLV to send. Raises OurMistake when the value does not fit."""
    try:
        return int(tag), value.to_bytes(octets, "big")
    except OverflowError as overflow:
        raise OurMistake(f"{tag_name(tag)} does not fit into {octets} octets") from overflow


def text_tlv(tag: int, value: str, *, octets_max: int = 65_535) -> tuple[int, bytes]:
    """A C-octet string TLV to send, NUL included. Raises OurMistake when too long or not Latin-1."""
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise OurMistake(f"{tag_name(tag)} holds a character outside Latin-1") from error
    if b"\0" in octets or len(octets) >= octets_max:
        raise OurMistake(f"{tag_name(tag)} must be under {octets_max} octets and hold no NUL")
    return int(tag), octets + b"\0"


def status_text_tlv(value: str) -> tuple[int, bytes]:
    """additional_status_info_text, cut at its 256 octets; what Latin-1 lacks becomes a question mark."""
    octets = value.replace("\0", " ").encode("latin-1", "replace")[: STATUS_TEXT_OCTETS_MAX - 1]
    return int(Tag.ADDITIONAL_STATUS_INFO_TEXT), octets + b"\0"


def interface_version(tlvs: Tlvs) -> int | None:
    """sc_interface_version of a bind_resp, or None when absent or not one octet."""
    value = find(tlvs, Tag.SC_INTERFACE_VERSION)
    return value[0] if value is not None and len(value) == 1 else None
