"""From a cleared message to the submit_sm it becomes at one carrier. Pure: same message, same parts."""

from typing import Final, Literal

from tideng.gateway.carriers.incoming import DEFAULT_ALPHABETS, swap_octets
from tideng.gateway.carriers.settings import CarrierSettings
from tideng.gateway.messages import Outbound
from tideng.gateway.wire.smpp import SubmitSm, Tag
from tideng.gateway.wire.smpp.times import format_absolute
from tideng.text.alphabets import Alphabet, best_alphabet, encode
from tideng.text.segments import Segment, split

UCS2_CODING: Final = 0x08
FLASH_DEFAULT: Final = 0x10
"""General data coding, class 0, default alphabet (GSM 03.38 §4)."""
FLASH_UCS2: Final = 0x18
UDHI: Final = 0x40
REPORT_FINAL: Final = 0x01
REPORT_INTERMEDIATE: Final = 0x10
REFERENCE_PRIMES: Final = {8: 251, 16: 65_521}
"""References are the message id modulo the largest prime that fits: a re-send of missing parts has the same
one, and close ids, whatever bits they differ in, have different ones."""
SHORT_MESSAGE_OCTETS_MAX: Final = 254
"""SMPP 3.4 §5.2.21."""


def reference_of(message: int, bits: Literal[8, 16]) -> int:
    """The concatenation reference of a message, the same at every attempt."""
    return message % REFERENCE_PRIMES[bits]


def parts_of(settings: CarrierSettings, outbound: Outbound, *, takes_tlvs: bool) -> tuple[SubmitSm, ...]:
    """The submit_sm of each part, in order, sequence numbers not yet given.

    Raises ValueError (`Unencodable` and what `split` raises are such) when the text cannot be sent there.
    A peer that takes no TLVs gets long texts by UDH whatever is configured.
    """
    text = outbound.text
    alphabet = _alphabet(settings, text)
    method = settings.long_messages if takes_tlvs else "udh"
    segments = split(
        text,
        alphabet=alphabet,
        reference=reference_of(outbound.id, settings.reference_bits),
        reference_bits=settings.reference_bits,
        method=method,
        parts_max=settings.parts_max,
    )
    swap = alphabet is Alphabet.UCS2 and settings.ucs2_byte_order == "little"
    coding = _coding(alphabet, outbound.flash)
    wish = _registered_delivery(settings, outbound)
    until = ""
    if outbound.valid_until and settings.validity == "absolute":
        until = format_absolute(outbound.valid_until)
    return tuple(
        _submit(settings, outbound, segment, coding=coding, wish=wish, until=until, swap=swap)
        for segment in segments
    )


def _alphabet(settings: CarrierSettings, text: str) -> Alphabet:
    if settings.default_alphabet == "gsm":
        return best_alphabet(text)
    if text.isascii():
        return DEFAULT_ALPHABETS[settings.default_alphabet]
    if settings.default_alphabet == "latin1":
        try:
            encode(text, Alphabet.LATIN1)
        except ValueError:
            return Alphabet.UCS2
        return Alphabet.LATIN1
    return Alphabet.UCS2


def _coding(alphabet: Alphabet, is_flash: bool) -> int:
    """The carrier's default alphabet is what we chose unless it is UCS-2, so 0 says it (§5.2.19)."""
    if alphabet is Alphabet.UCS2:
        return FLASH_UCS2 if is_flash else UCS2_CODING
    return FLASH_DEFAULT if is_flash else 0


def _registered_delivery(settings: CarrierSettings, outbound: Outbound) -> int:
    """SMPP 3.4 §5.2.17. We ask for all final reports where the customer asked for some: the choice among
    them is made when they are forwarded, so that our own books are complete.
    """
    if settings.reports == "never":
        return 0
    asked = outbound.registered_delivery
    if settings.reports == "always" or asked & 0x03:
        return REPORT_FINAL | asked & REPORT_INTERMEDIATE
    return 0


def _submit(
    settings: CarrierSettings,
    outbound: Outbound,
    segment: Segment,
    *,
    coding: int,
    wish: int,
    until: str,
    swap: bool,
) -> SubmitSm:
    octets = segment.octets
    if swap:
        head = octets[0] + 1 if segment.has_udh else 0
        octets = octets[:head] + swap_octets(octets[head:])
    tlvs: tuple[tuple[int, bytes], ...] = ()
    if settings.long_messages == "payload" and len(octets) > SHORT_MESSAGE_OCTETS_MAX:
        tlvs = ((int(Tag.MESSAGE_PAYLOAD), octets),)
        octets = b""
    elif segment.total > 1 and not segment.has_udh:
        tlvs = (
            (int(Tag.SAR_MSG_REF_NUM), segment.reference.to_bytes(2, "big")),
            (int(Tag.SAR_TOTAL_SEGMENTS), bytes((segment.total,))),
            (int(Tag.SAR_SEGMENT_SEQNUM), bytes((segment.index,))),
        )
    return SubmitSm(
        service_type=settings.service_type,
        source_addr_ton=settings.source_ton,
        source_addr_npi=settings.source_npi,
        source_addr=outbound.code_number,
        dest_addr_ton=settings.dest_ton,
        dest_addr_npi=settings.dest_npi,
        destination_addr=outbound.recipient,
        esm_class=UDHI if segment.has_udh else 0,
        validity_period=until,
        registered_delivery=wish,
        data_coding=coding,
        short_message=octets,
        tlvs=tlvs,
    )
