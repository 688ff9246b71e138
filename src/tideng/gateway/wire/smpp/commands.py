"""SMPP command ids (SMPP 3.4 §5.1.2.1) and what kind of command each is."""

from enum import IntEnum
from typing import Final

RESPONSE_BIT: Final = 0x8000_0000


class Command(IntEnum):
    """Every command of SMPP 3.4, by its specification name."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    QUERY_SM = 0x03
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    REPLACE_SM = 0x07
    CANCEL_SM = 0x08
    BIND_TRANSCEIVER = 0x09
    OUTBIND = 0x0B
    ENQUIRE_LINK = 0x15
    SUBMIT_MULTI = 0x21
    ALERT_NOTIFICATION = 0x102
    DATA_SM = 0x103
    GENERIC_NACK = 0x8000_0000
    BIND_RECEIVER_RESP = 0x8000_0001
    BIND_TRANSMITTER_RESP = 0x8000_0002
    QUERY_SM_RESP = 0x8000_0003
    SUBMIT_SM_RESP = 0x8000_0004
    DELIVER_SM_RESP = 0x8000_0005
    UNBIND_RESP = 0x8000_0006
    REPLACE_SM_RESP = 0x8000_0007
    CANCEL_SM_RESP = 0x8000_0008
    BIND_TRANSCEIVER_RESP = 0x8000_0009
    ENQUIRE_LINK_RESP = 0x8000_0015
    SUBMIT_MULTI_RESP = 0x8000_0021
    DATA_SM_RESP = 0x8000_0103


# SMPP 5.0 only; recognised so that a 5.0 peer gets the right answer, never served.
BROADCAST_SM: Final = 0x111
QUERY_BROADCAST_SM: Final = 0x112
CANCEL_BROADCAST_SM: Final = 0x113
UNSUPPORTED: Final = frozenset({BROADCAST_SM, QUERY_BROADCAST_SM, CANCEL_BROADCAST_SM})

BINDS: Final = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})
BIND_RESPS: Final = frozenset(command | RESPONSE_BIT for command in BINDS)
UNANSWERED: Final = frozenset({Command.OUTBIND, Command.ALERT_NOTIFICATION})
"""Requests that have no response (SMPP 3.4 §4.1.7, §4.12)."""

ANSWERED: Final = frozenset(
    command for command in Command if not command & RESPONSE_BIT and command not in UNANSWERED
)
"""Requests that have a response of their own."""

_NAMES: Final = {
    **{int(command): command.name.lower() for command in Command},
    BROADCAST_SM: "broadcast_sm",
    QUERY_BROADCAST_SM: "query_broadcast_sm",
    CANCEL_BROADCAST_SM: "cancel_broadcast_sm",
}


def command_name(command_id: int) -> str:
    """The specification's name of a command, or its number in hexadecimal."""
    return _NAMES.get(command_id, f"0x{command_id:08X}")
