"""What the simulated carrier received, as its phones would show it. Bounded."""

from collections import deque
from typing import Final

from msgspec import Struct

from tideng.gateway.wire.smpp import SubmitSm, Tag
from tideng.text.alphabets import Alphabet, Undecodable, alphabet_of
from tideng.text.concatenation import MalformedUdh, join, read_udh

UNFINISHED_MAX: Final = 10_000
"""Long messages that miss parts; beyond it the oldest are forgotten."""


class Received(Struct, frozen=True, kw_only=True, gc=False):
    """One whole message at one phone."""

    sender: str
    recipient: str
    text: str | None
    """None: the octets could not be read."""
    parts: int
    data_coding: int
    esm_class: int
    validity_period: str
    registered_delivery: int


class Phones:
    """Joins parts by sender, recipient and reference; keeps the last `received_max` messages."""

    def __init__(self, default: Alphabet, received_max: int) -> None:
        self.received: deque[Received] = deque(maxlen=received_max)
        self._default = default
        self._unfinished: dict[tuple[str, str, int, int], dict[int, bytes]] = {}

    def take(self, pdu: SubmitSm) -> None:
        """One accepted part."""
        octets, reference, total, index = pdu.content, 0, 1, 1
        alphabet = alphabet_of(pdu.data_coding, self._default)
        if pdu.has_udh:
            try:
                udh, octets = read_udh(octets)
            except MalformedUdh:
                self._keep(pdu, None, 1)
                return
            if udh.concatenation is not None:
                about = udh.concatenation
                reference, total, index = about.reference, about.total, about.index
        elif pdu.tlvs and (said := pdu.tlv(Tag.SAR_MSG_REF_NUM)) is not None:
            reference = int.from_bytes(said, "big")
            total = int.from_bytes(pdu.tlv(Tag.SAR_TOTAL_SEGMENTS) or b"\1", "big")
            index = int.from_bytes(pdu.tlv(Tag.SAR_SEGMENT_SEQNUM) or b"\1", "big")
        if total == 1:
            self._keep(pdu, _read({1: octets}, alphabet), 1)
            return
        key = (pdu.source_addr, pdu.destination_addr, reference, total)
        parts = self._unfinished.setdefault(key, {})
        parts[index] = octets
        if len(parts) == total:
            del self._unfinished[key]
            self._keep(pdu, _read(parts, alphabet), total)
        elif len(self._unfinished) > UNFINISHED_MAX:
            del self._unfinished[next(iter(self._unfinished))]

    def last_sender(self, phone: str) -> str:
        """Who wrote to this phone last, as far as remembered; else empty."""
        for message in reversed(self.received):
            if message.recipient == phone:
                return message.sender
        return ""

    def _keep(self, pdu: SubmitSm, text: str | None, parts: int) -> None:
        self.received.append(
            Received(
                sender=pdu.source_addr,
                recipient=pdu.destination_addr,
                text=text,
                parts=parts,
                data_coding=pdu.data_coding,
                esm_class=pdu.esm_class,
                validity_period=pdu.validity_period,
                registered_delivery=pdu.registered_delivery,
            )
        )


def _read(parts: dict[int, bytes], alphabet: Alphabet) -> str | None:
    try:
        return join(parts, alphabet)
    except Undecodable:
        return None
