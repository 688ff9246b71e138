"""From a customer's PDU to a submission, and from a verdict to the answer. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tideng.gateway.messages import MessageId, Micros, Submission
from tideng.gateway.parts import Part, Whole
from tideng.gateway.registry.values import Customer
from tideng.gateway.review.codes import CODES
from tideng.gateway.wire.smpp import DataSm, Status, SubmitMulti, SubmitSm, Tag
from tideng.gateway.wire.smpp.statuses import VendorStatus
from tideng.gateway.wire.smpp.times import parse_time
from tideng.identifiers.phone import NotANumber, parse
from tideng.text.alphabets import Alphabet, Undecodable, alphabet_of, decode, is_flash
from tideng.text.concatenation import (
    REFERENCE_8,
    REFERENCE_16,
    Concatenation,
    MalformedUdh,
    Udh,
    read_udh,
)

Submit = SubmitSm | DataSm | SubmitMulti

BY_FAMILY: Final = {
    "CUSTOMER": VendorStatus.REFUSED_CUSTOMER,
    "CODE_NUMBER": VendorStatus.REFUSED_CODE_NUMBER,
    "SIGNATURE": VendorStatus.REFUSED_SIGNATURE,
    "TEMPLATE": VendorStatus.REFUSED_TEMPLATE,
    "CONSENT": VendorStatus.REFUSED_CONSENT,
    "OPTED_OUT": VendorStatus.REFUSED_OPTED_OUT,
    "CONTENT": VendorStatus.REFUSED_CONTENT,
    "RECIPIENT": VendorStatus.REFUSED_RECIPIENT,
    "FREQUENCY": VendorStatus.REFUSED_FREQUENCY,
    "DUPLICATE": VendorStatus.REFUSED_DUPLICATE,
    "LINK": VendorStatus.REFUSED_LINK,
    "OTHER": VendorStatus.REFUSED_OTHER,
}
_STANDARD: Final = {
    "CODE_NUMBER": Status.ESME_RINVSRCADR,
    "RECIPIENT": Status.ESME_RINVDSTADR,
}
ORIGIN: Final = "customer:"
"""Begins the origin of every part that came from a customer."""
INFO_OCTETS_MAX: Final = 256
"""additional_status_info_text, its NUL included (SMPP 3.4 §5.3.2.11)."""

PART_OCTETS_MAX: Final = 254
"""What short_message can hold. A longer part of a long message makes no sense, and would be kept."""

_ALPHABETS: Final = {
    "gsm": Alphabet.GSM,
    "ascii": Alphabet.ASCII,
    "latin1": Alphabet.LATIN1,
    "utf8": Alphabet.UTF8,
}


class Context(Struct, frozen=True, array_like=True, gc=False):
    """What a part's whole needs besides its text."""

    code_number: str
    registered_delivery: int
    not_before: Micros
    valid_until: Micros
    flash: bool
    session: str
    peer: str
    given: str
    """The recipient as given."""
    auth: str = "password"
    """Parts kept by a release that did not say came by the only way there was."""


_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Context).decode


class Read(Struct, frozen=True, gc=False):
    """A submit, read once: its user data, alphabet and place in a long message."""

    octets: bytes
    alphabet: Alphabet
    about: Concatenation | None
    not_before: Micros
    valid_until: Micros
    fault: str = ""


def alphabet_meant_by(customer: Customer) -> Alphabet:
    """What the customer means by data_coding 0."""
    return _ALPHABETS[customer.smpp.default_alphabet] if customer.smpp else Alphabet.GSM


def read(pdu: Submit, customer: Customer, now: Micros) -> Read:
    """Raises `PeerMistake` for times that are none (ESME_RINVSCHED, ESME_RINVEXPIRY)."""
    not_before = valid_until = 0
    if not isinstance(pdu, DataSm):
        if pdu.schedule_delivery_time:
            not_before = parse_time(pdu.schedule_delivery_time, now, status=Status.ESME_RINVSCHED)
        if pdu.validity_period:
            valid_until = parse_time(pdu.validity_period, now, status=Status.ESME_RINVEXPIRY)
    alphabet = alphabet_of(pdu.data_coding, alphabet_meant_by(customer))
    octets, about, fault = pdu.content, None, ""
    if pdu.tlvs:
        about = _sar(pdu)
    if pdu.has_udh:
        try:
            udh, octets = read_udh(octets)
            # Both at once is forbidden (SMPP 3.4 §5.2.12) and arrives: the header wins.
            about = udh.concatenation or about
            fault = _fault_of(udh)
        except MalformedUdh as error:
            fault = f"unreadable: {error}"
    if about is not None and about.total == 1:
        about = None
    if about is not None and len(octets) > PART_OCTETS_MAX:
        fault = f"unreadable: a part of {len(octets)} octets; the limit is {PART_OCTETS_MAX}"
    return Read(octets, alphabet, about, not_before, valid_until, fault)


def submission(
    pdu: Submit,
    seen: Read,
    *,
    message: MessageId,
    customer: str,
    recipient: str,
    session: str,
    peer: str,
    auth: str,
    raw: bytes,
    now: Micros,
) -> Submission:
    """A whole message as the intake takes it. What cannot be read is said, not guessed."""
    text, fault = None, seen.fault
    if not fault:
        try:
            text = decode(seen.octets, seen.alphabet)
        except Undecodable as error:
            fault = f"unreadable: {error}"
    return Submission(
        id=message,
        customer=customer,
        recipient=recipient,
        text=text,
        fault=fault,
        received_at=now,
        door="smpp",
        session=session,
        peer=peer,
        raw=raw,
        auth=auth,
        code_number=pdu.source_addr,
        registered_delivery=pdu.registered_delivery,
        not_before=seen.not_before,
        valid_until=seen.valid_until,
        flash=is_flash(pdu.data_coding),
    )


def part(
    pdu: Submit,
    seen: Read,
    *,
    message: MessageId,
    customer: str,
    recipient: str,
    session: str,
    peer: str,
    auth: str,
    raw: bytes,
    now: Micros,
) -> Part:
    """One part of a long message. `seen` says which."""
    if seen.about is None:
        raise TypeError("only a part of a long message can be kept")
    context = Context(
        pdu.source_addr,
        pdu.registered_delivery,
        seen.not_before,
        seen.valid_until,
        is_flash(pdu.data_coding),
        session,
        peer,
        recipient,
        auth,
    )
    return Part(
        id=message,
        origin=ORIGIN + customer,
        sender=pdu.source_addr,
        recipient=subject_number(recipient),
        about=seen.about,
        octets=seen.octets,
        alphabet=seen.alphabet.value,
        raw=raw,
        received_at=now,
        context=_pack(context),
    )


def submission_of_whole(whole: Whole) -> Submission:
    """The submission a long message becomes, complete or given up."""
    last = whole.last
    context = _unpack(last.context)
    return Submission(
        id=last.id,
        customer=last.origin.removeprefix(ORIGIN),
        recipient=context.given,
        text=whole.text,
        fault=whole.fault,
        received_at=last.received_at,
        door="smpp",
        session=context.session,
        peer=context.peer,
        raw=whole.raw,
        auth=context.auth,
        code_number=context.code_number,
        registered_delivery=context.registered_delivery,
        not_before=context.not_before,
        valid_until=context.valid_until,
        flash=context.flash,
        part_ids=whole.given,
    )


def refusal(codes: Sequence[str], style: str = "coded") -> tuple[int, tuple[tuple[int, bytes], ...]]:
    """Status and TLVs of a refused submit: the strongest code's family, and as many codes as fit.

    In the style "standard" the nearest of the specification's permanent statuses, and nothing else.
    """
    family = CODES.get(codes[0], "OTHER") if codes else "OTHER"
    if style == "standard":
        return int(_STANDARD.get(family, Status.ESME_RSUBMITFAIL)), ()
    info = b""
    for code in codes:
        longer = info + (b"," if info else b"") + code.encode("ascii")
        if len(longer) >= INFO_OCTETS_MAX:
            break
        info = longer
    return int(BY_FAMILY[family]), ((int(Tag.ADDITIONAL_STATUS_INFO_TEXT), info + b"\0"),)


def subject_number(given: str) -> str:
    """E.164 digits where it is a number, else what was given, marked as such."""
    try:
        return parse(given).e164
    except NotANumber:
        return "?" + given


def _fault_of(udh: Udh) -> str:
    """A header may say what makes the octets no text (ports of an application, another alphabet, a picture).

    We send the text that was reviewed, split anew: what such an element means would be lost, unreviewed.
    """
    for tag, _ in udh.elements:
        if tag not in (REFERENCE_8, REFERENCE_16):
            return f"unreadable: header element 0x{tag:02X}; send text, with no header but that of its parts"
    return ""


def _sar(pdu: Submit) -> Concatenation | None:
    reference = pdu.tlv(Tag.SAR_MSG_REF_NUM)
    total, index = pdu.tlv(Tag.SAR_TOTAL_SEGMENTS), pdu.tlv(Tag.SAR_SEGMENT_SEQNUM)
    if reference is None or len(reference) != 2 or not total or not index:
        return None
    if not 1 <= index[0] <= total[0]:
        return None
    return Concatenation(int.from_bytes(reference, "big"), 16, total[0], index[0])
