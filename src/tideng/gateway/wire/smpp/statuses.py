"""SMPP command_status values (SMPP 3.4 §5.1.3, SMPP 5.0 §4.7.6): names, which are temporary, and our own."""

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """Every ESME_* status of SMPP 3.4, and those 5.0 adds. 3.4's names where 5.0 only renamed."""

    ESME_ROK = 0x00
    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVBNDSTS = 0x04
    ESME_RALYBND = 0x05
    ESME_RINVPRTFLG = 0x06
    ESME_RINVREGDLVFLG = 0x07
    ESME_RSYSERR = 0x08
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RINVMSGID = 0x0C
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RCANCELFAIL = 0x11
    ESME_RREPLACEFAIL = 0x13
    ESME_RMSGQFUL = 0x14
    ESME_RINVSERTYP = 0x15
    ESME_RINVNUMDESTS = 0x33
    ESME_RINVDLNAME = 0x34
    ESME_RINVDESTFLAG = 0x40
    ESME_RINVSUBREP = 0x42
    ESME_RINVESMCLASS = 0x43
    ESME_RCNTSUBDL = 0x44
    ESME_RSUBMITFAIL = 0x45
    ESME_RINVSRCTON = 0x48
    ESME_RINVSRCNPI = 0x49
    ESME_RINVDSTTON = 0x50
    ESME_RINVDSTNPI = 0x51
    ESME_RINVSYSTYP = 0x53
    ESME_RINVREPFLAG = 0x54
    ESME_RINVNUMMSGS = 0x55
    ESME_RTHROTTLED = 0x58
    ESME_RINVSCHED = 0x61
    ESME_RINVEXPIRY = 0x62
    ESME_RINVDFTMSGID = 0x63
    ESME_RX_T_APPN = 0x64
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    ESME_RQUERYFAIL = 0x67
    ESME_RINVOPTPARSTREAM = 0xC0
    ESME_ROPTPARNOTALLWD = 0xC1
    ESME_RINVPARLEN = 0xC2
    ESME_RMISSINGOPTPARAM = 0xC3
    ESME_RINVOPTPARAMVAL = 0xC4
    ESME_RDELIVERYFAILURE = 0xFE
    ESME_RUNKNOWNERR = 0xFF
    # SMPP 5.0 only
    ESME_RSERTYPUNAUTH = 0x100
    ESME_RPROHIBITED = 0x101
    ESME_RSERTYPUNAVAIL = 0x102
    ESME_RSERTYPDENIED = 0x103
    ESME_RINVDCS = 0x104
    ESME_RINVSRCADDRSUBUNIT = 0x105
    ESME_RINVDSTADDRSUBUNIT = 0x106
    ESME_RINVBCASTFREQINT = 0x107
    ESME_RINVBCASTALIAS_NAME = 0x108
    ESME_RINVBCASTAREAFMT = 0x109
    ESME_RINVNUMBCAST_AREAS = 0x10A
    ESME_RINVBCASTCNTTYPE = 0x10B
    ESME_RINVBCASTMSGCLASS = 0x10C
    ESME_RBCASTFAIL = 0x10D
    ESME_RBCASTQUERYFAIL = 0x10E
    ESME_RBCASTCANCELFAIL = 0x10F
    ESME_RINVBCAST_REP = 0x110
    ESME_RINVBCASTSRVGRP = 0x111
    ESME_RINVBCASTCHANIND = 0x112


TEMPORARY: Final = frozenset(
    {
        Status.ESME_RSYSERR,
        Status.ESME_RMSGQFUL,
        Status.ESME_RTHROTTLED,
        Status.ESME_RX_T_APPN,
        Status.ESME_RSERTYPUNAVAIL,
    }
)
"""Worth trying again later: the same PDU may succeed."""

BACK_OFF: Final = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL})
"""The peer asks us to go slower: shrink the rate as well as trying again."""

_SPEC_5_NAMES: Final = {
    0xC0: "ESME_RINVTLVSTREAM",
    0xC1: "ESME_RTLVNOTALLWD",
    0xC2: "ESME_RINVTLVLEN",
    0xC3: "ESME_RMISSINGTLV",
    0xC4: "ESME_RINVTLVVAL",
}

VENDOR_FIRST: Final = 0x0400
VENDOR_LAST: Final = 0x04FF


class VendorStatus(IntEnum):
    """Why we refused a submit, by kind. The finding codes travel in additional_status_info_text."""

    REFUSED_CUSTOMER = 0x0400
    REFUSED_CODE_NUMBER = 0x0401
    REFUSED_SIGNATURE = 0x0402
    REFUSED_TEMPLATE = 0x0403
    REFUSED_CONSENT = 0x0404
    REFUSED_OPTED_OUT = 0x0405
    REFUSED_CONTENT = 0x0406
    REFUSED_RECIPIENT = 0x0407
    REFUSED_FREQUENCY = 0x0408
    REFUSED_DUPLICATE = 0x0409
    REFUSED_LINK = 0x040A
    REFUSED_OTHER = 0x04FF


VENDOR_STATUS: Final[dict[VendorStatus, str]] = {
    VendorStatus.REFUSED_CUSTOMER: "The customer is not active, not licensed, or may not send this category.",
    VendorStatus.REFUSED_CODE_NUMBER: "The code number is unknown or not this customer's to send from.",
    VendorStatus.REFUSED_SIGNATURE: "The signature is missing, unregistered, expired, or without a mandate.",
    VendorStatus.REFUSED_TEMPLATE: "The text matches no approved template, or a slot holds what it may not.",
    VendorStatus.REFUSED_CONSENT: "The recipient's consent for this category is missing or expired.",
    VendorStatus.REFUSED_OPTED_OUT: "The recipient has opted out, from this principal or from everyone.",
    VendorStatus.REFUSED_CONTENT: "The text says what this customer may not send.",
    VendorStatus.REFUSED_RECIPIENT: "The recipient is not a number that can receive SMS.",
    VendorStatus.REFUSED_FREQUENCY: "The recipient has had as many messages as the limit allows for now.",
    VendorStatus.REFUSED_DUPLICATE: "The same message to the same recipient was submitted a moment ago.",
    VendorStatus.REFUSED_LINK: "The text carries a link that is not on the customer's list.",
    VendorStatus.REFUSED_OTHER: "The review refused the message; the finding codes say why.",
}
"""One English sentence for each vendor status, for documents and error answers."""


def status_name(status: int, *, version: int = 0x34) -> str:
    """The specification's name, 5.0's for a peer of `version` 0x50 or later; a number where there is none."""
    if version >= 0x50 and status in _SPEC_5_NAMES:
        return _SPEC_5_NAMES[status]
    try:
        return Status(status).name
    except ValueError:
        pass  # not the specification's: perhaps ours
    try:
        return VendorStatus(status).name
    except ValueError:
        return f"0x{status:08X}"


def is_temporary(status: int) -> bool:
    """True where the same request may succeed later; false for ROK and for everything permanent.

    A number outside the specification counts as permanent: sending blindly again costs the recipient.
    """
    return status in TEMPORARY
