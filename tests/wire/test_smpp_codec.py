"""One PDU to octets and back: strict out, lenient in, and only PeerMistake for what cannot be read."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tideng.gateway.wire.smpp import (
    BindResp,
    BindTransceiver,
    CancelSm,
    Command,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Message,
    OurMistake,
    Pdu,
    PeerMistake,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    SmeAddress,
    Status,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Tag,
    UnsuccessSme,
    Unsupported,
    decode,
    encode,
)
from tideng.gateway.wire.smpp.codec import READERS, WRITERS
from tideng.gateway.wire.smpp.tlvs import integer, require, status_text_tlv, text, text_tlv
from wire.pdu_strategies import ANY, EACH

RUNS = settings(max_examples=150, deadline=None, derandomize=True)
FEW = settings(max_examples=40, deadline=None, derandomize=True)


def frame(command: int, body: bytes, *, status: int = 0, sequence: int = 7) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def refused(octets: bytes, status: Status) -> PeerMistake:
    """The one place that expects a refusal: the status, and the numbers its answer needs."""
    with pytest.raises(PeerMistake) as caught:
        decode(octets)
    mistake = caught.value
    assert mistake.status == status
    assert (mistake.command_id, mistake.sequence) == struct.unpack(">4xI4xI", octets[:16])
    return mistake


def not_sent(pdu: Pdu, *words: str) -> None:
    with pytest.raises(OurMistake) as caught:
        encode(pdu)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_every_command_has_a_reader_a_writer_and_a_strategy() -> None:
    assert set(READERS) == set(Command)
    assert set(WRITERS) == set(EACH)


@pytest.mark.parametrize("kind", EACH, ids=lambda kind: kind.__name__)
def test_decode_undoes_encode(kind: type[Pdu]) -> None:
    @FEW
    @given(EACH[kind])
    def check(pdu: Pdu) -> None:
        octets = encode(pdu)
        assert decode(octets) == pdu
        assert encode(decode(octets)) == octets
        assert decode(memoryview(octets)) == pdu

    check()


@RUNS
@given(st.binary(max_size=120), st.sampled_from([*Command, 0x111, 0x112, 0x113, 0x77, 0x8000_0077]))
def test_noise_raises_only_the_peers_mistake(body: bytes, command: int) -> None:
    mistake: PeerMistake | None = None
    try:
        assert decode(frame(command, body)).command_id == command
    except PeerMistake as error:
        mistake = error
    if mistake is not None:
        assert (mistake.command_id, mistake.sequence) == (command, 7)
        assert command < 0x8000_0000 or command == 0x8000_0077, "nobody can answer a response"


@RUNS
@given(ANY, st.data())
def test_a_damaged_pdu_raises_only_the_peers_mistake(pdu: Pdu, data: st.DataObject) -> None:
    octets = bytearray(encode(pdu))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(octets[: data.draw(st.integers(16, len(octets)))])
    for damaged in (bytes(octets), cut, struct.pack(">I", len(cut)) + cut[4:]):
        with suppress(PeerMistake):
            decode(damaged)


@RUNS
@given(EACH[SubmitSm], st.integers(0, 300))
def test_a_request_cut_anywhere_is_refused_or_lost_only_tlvs(pdu: SubmitSm, keep: int) -> None:
    body = encode(pdu)[16:]
    if keep >= len(body):
        return
    try:
        read = decode(frame(Command.SUBMIT_SM, body[:keep]))
    except PeerMistake:
        return
    assert isinstance(read, SubmitSm)
    assert read.short_message == pdu.short_message
    assert len(read.tlvs) < len(pdu.tlvs)


# --- framing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", [b"", b"\0\0\0\x10", bytes(15)])
def test_less_than_a_header_ends_the_connection(octets: bytes) -> None:
    with pytest.raises(PeerMistake) as caught:
        decode(octets)
    assert caught.value.close
    assert caught.value.status == Status.ESME_RINVCMDLEN


@pytest.mark.parametrize("length", [0, 15, 17, 0xFFFF_FFFF])
def test_a_length_that_is_not_the_frames_ends_the_connection(length: int) -> None:
    octets = struct.pack(">IIII", length, Command.ENQUIRE_LINK, 0, 7)
    assert refused(octets, Status.ESME_RINVCMDLEN).close


def test_unknown_command() -> None:
    assert not refused(frame(0x77, b"x"), Status.ESME_RINVCMDID).close


@pytest.mark.parametrize("command", [0x111, 0x112, 0x113])
def test_broadcasts_of_smpp_5_are_recognised(command: int) -> None:
    assert decode(frame(command, b"abc")) == Unsupported(7, 0, (), command, b"abc")


def test_what_only_peers_send_is_never_sent() -> None:
    not_sent(Unsupported(sequence=1, command_id=0x111), "never sent")


@pytest.mark.parametrize("sequence", [0, 0x8000_0000])
def test_our_requests_are_numbered_from_1_to_7fffffff(sequence: int) -> None:
    not_sent(EnquireLink(sequence=sequence), "0x7FFFFFFF")
    assert decode(frame(Command.ENQUIRE_LINK, b"", sequence=sequence)).sequence == sequence
    assert encode(GenericNack(sequence=sequence))[12:] == struct.pack(">I", sequence)


# --- messages ----------------------------------------------------------------------------------------------

MESSAGE = SubmitSm(sequence=7, source_addr="10690000", destination_addr="8613800000000", short_message=b"hi")


def test_a_submit_sm_octet_by_octet() -> None:
    # Written by hand from SMPP 3.4 §4.4.1, so that reader and writer cannot err together.
    octets = frame(
        4,
        b"CMT\0"
        b"\x01\x02"
        b"1069\0"
        b"\x03\x04"
        b"138\0"
        b"\x40\x05\x06"
        b"261124180000000+\0"
        b"000001000000000R\0"
        b"\x01\x02\x08\x04"
        b"\x02"
        b"hi"
        b"\x02\x0c\x00\x02\x01\x02",
    )
    pdu = decode(octets)
    assert pdu == SubmitSm(
        sequence=7,
        tlvs=((0x020C, b"\x01\x02"),),
        service_type="CMT",
        source_addr_ton=1,
        source_addr_npi=2,
        source_addr="1069",
        dest_addr_ton=3,
        dest_addr_npi=4,
        destination_addr="138",
        esm_class=0x40,
        protocol_id=5,
        priority_flag=6,
        schedule_delivery_time="261124180000000+",
        validity_period="000001000000000R",
        registered_delivery=1,
        replace_if_present_flag=2,
        data_coding=8,
        sm_default_msg_id=4,
        short_message=b"hi",
    )
    assert encode(pdu) == octets


@pytest.mark.parametrize(
    ("field", "limit"),
    [("service_type", 5), ("source_addr", 20), ("destination_addr", 20)],
)
def test_limits_count_the_nul(field: str, limit: int) -> None:
    fits = structs.replace(MESSAGE, **{field: "9" * limit})
    assert decode(encode(fits)) == fits
    not_sent(structs.replace(MESSAGE, **{field: "9" * (limit + 1)}), field, str(limit))


def body_with(**strings: bytes) -> bytes:
    parts = {"service": b"", "source": b"", "destination": b"", "schedule": b"", "validity": b""} | strings
    return (
        parts["service"] + b"\0\0\0" + parts["source"] + b"\0\0\0" + parts["destination"] + b"\0\0\0\0"
        + parts["schedule"] + b"\0" + parts["validity"] + b"\0" + bytes(5)
    )  # fmt: skip


@pytest.mark.parametrize("command", [Command.SUBMIT_SM, Command.DELIVER_SM])
@pytest.mark.parametrize(
    ("field", "octets", "status"),
    [
        ("service", 5, Status.ESME_RINVSERTYP),
        ("source", 20, Status.ESME_RINVSRCADR),
        ("destination", 20, Status.ESME_RINVDSTADR),
        ("schedule", 16, Status.ESME_RINVSCHED),
        ("validity", 16, Status.ESME_RINVEXPIRY),
    ],
)
def test_a_field_too_long_has_its_own_status(command: int, field: str, octets: int, status: Status) -> None:
    decode(frame(command, body_with(**{field: b"1" * octets})))
    mistake = refused(frame(command, body_with(**{field: b"1" * (octets + 1)})), status)
    assert "111" not in str(mistake), "what the peer sent is personal and stays out of the message"


@pytest.mark.parametrize(("length", "rest"), [(255, bytes(255)), (3, b"hi"), (1, b"")])
def test_sm_length_that_lies(length: int, rest: bytes) -> None:
    octets = frame(Command.SUBMIT_SM, body_with()[:-1] + bytes((length,)) + rest)
    refused(octets, Status.ESME_RINVMSGLEN)


def test_254_octets_are_the_most() -> None:
    most = SubmitSm(sequence=1, short_message=bytes(254))
    assert decode(encode(most)) == most
    not_sent(SubmitSm(sequence=1, short_message=bytes(255)), "255", "254")
    not_sent(ReplaceSm(sequence=1, short_message=bytes(255)), "254")


def test_one_text_only() -> None:
    payload = ((int(Tag.MESSAGE_PAYLOAD), b"other"),)
    for kind in (SubmitSm, DeliverSm, ReplaceSm):
        not_sent(kind(sequence=1, short_message=b"one", tlvs=payload), "message_payload")
    both = encode(MESSAGE)[16:] + struct.pack(">HH", Tag.MESSAGE_PAYLOAD, 5) + b"other"
    refused(frame(Command.SUBMIT_SM, both), Status.ESME_RINVMSGLEN)
    # From a carrier it is read all the same: a refused receipt would be a lost one.
    read = decode(frame(Command.DELIVER_SM, both))
    assert isinstance(read, DeliverSm)
    assert read.content == b"hi"


def test_one_text_only_in_multi_and_replace() -> None:
    payload = struct.pack(">HH", Tag.MESSAGE_PAYLOAD, 5) + b"other"
    multi = SubmitMulti(sequence=7, destinations=(SmeAddress(),), short_message=b"one")
    for pdu in (multi, ReplaceSm(sequence=7, short_message=b"one")):
        refused(frame(pdu.command_id, encode(pdu)[16:] + payload), Status.ESME_RINVMSGLEN)


def test_payload_of_any_length_is_content() -> None:
    for octets in (b"x", bytes(5_000)):
        pdu = SubmitSm(sequence=1, tlvs=((int(Tag.MESSAGE_PAYLOAD), octets),))
        read = decode(encode(pdu))
        assert isinstance(read, SubmitSm)
        assert read.content == octets


@pytest.mark.parametrize(
    ("esm_class", "receipt", "intermediate", "udh"),
    [
        (0x00, False, False, False),
        (0x04, True, False, False),
        (0x07, True, False, False),  # the mode bits say nothing about the type
        (0x44, True, False, True),
        (0xC4, True, False, True),
        (0x20, False, True, False),
        (0x23, False, True, False),
        (0x08, False, False, False),  # an acknowledgement by the recipient's device
        (0x0C, False, False, False),
        (0x24, False, False, False),
        (0x43, False, False, True),  # as Kannel sends long messages
    ],
)
def test_esm_class_is_bits(esm_class: int, receipt: bool, intermediate: bool, udh: bool) -> None:
    for pdu in (DeliverSm(esm_class=esm_class), DataSm(esm_class=esm_class)):
        assert (pdu.is_receipt, pdu.is_intermediate, pdu.has_udh) == (receipt, intermediate, udh)


def test_strings_that_would_inject_a_field_are_not_sent() -> None:
    not_sent(SubmitSm(sequence=1, source_addr="1\0002"), "source_addr")
    not_sent(SubmitSm(sequence=1, destination_addr="提灯"), "destination_addr", "Latin-1")
    not_sent(SubmitSm(sequence=1, esm_class=256), "0 to 255")
    not_sent(CancelSm(sequence=1, dest_addr_ton=-1), "dest_addr_ton")
    not_sent(SubmitSm(sequence=1, validity_period="1"), "validity_period", "16")
    not_sent(SubmitSm(sequence=1, tlvs=((0x1_0000, b""),)), "tag")
    not_sent(SubmitSm(sequence=1, tlvs=((Tag.MESSAGE_PAYLOAD, bytes(65_536)),)), "65 535")
    not_sent(SubmitSmResp(sequence=1, status=1 << 32), "32 bits")


def test_neither_errors_nor_reprs_quote_what_is_personal() -> None:
    secret = "13800000000"
    for pdu in (
        SubmitSm(sequence=1, destination_addr=secret * 2),
        SubmitSm(sequence=1, destination_addr=secret + "提"),
        BindTransceiver(sequence=1, password=secret),
    ):
        with pytest.raises(OurMistake) as caught:
            encode(pdu)
        error: BaseException | None = caught.value
        while error is not None:
            assert secret not in str(error)
            error = error.__cause__
        assert secret not in repr(pdu)
    assert secret not in repr(SmeAddress(1, 1, secret)) + repr(UnsuccessSme(1, 1, secret))


# --- TLVs --------------------------------------------------------------------------------------------------


def test_unknown_tlvs_are_kept_in_order() -> None:
    tlvs = ((0x1FFF, b"a"), (0x1FFF, b""), (0x0001, b"c"), (0xFFFF, b"\0"))
    read = decode(encode(SubmitSm(sequence=1, tlvs=tlvs)))
    assert read.tlvs == tlvs
    assert read.tlv(0x1FFF) == b"a"
    assert read.tlv(0x2222) is None


@pytest.mark.parametrize("tail", [b"\x02", b"\x02\x0c\x00", b"\x02\x0c\x00\x02\x01", b"\x02\x0c\xff\xff"])
def test_a_tlv_stream_that_does_not_come_out_even(tail: bytes) -> None:
    body = encode(MESSAGE)[16:] + tail
    refused(frame(Command.SUBMIT_SM, body), Status.ESME_RINVOPTPARSTREAM)
    refused(frame(Command.QUERY_SM, encode(QuerySm(sequence=1))[16:] + tail), Status.ESME_RINVOPTPARSTREAM)


def test_a_required_tlv() -> None:
    tlvs = ((int(Tag.SAR_TOTAL_SEGMENTS), b"\x02"), (int(Tag.SAR_MSG_REF_NUM), b"\x01"))
    assert require(tlvs, Tag.SAR_TOTAL_SEGMENTS) == b"\x02"
    with pytest.raises(PeerMistake, match="sar_segment_seqnum") as caught:
        require(tlvs, Tag.SAR_SEGMENT_SEQNUM)
    assert caught.value.status == Status.ESME_RMISSINGOPTPARAM
    assert integer(tlvs, Tag.SAR_TOTAL_SEGMENTS, 1) == 2
    assert integer(tlvs, Tag.SAR_SEGMENT_SEQNUM, 1) is None
    with pytest.raises(PeerMistake) as caught:
        integer(tlvs, Tag.SAR_MSG_REF_NUM, 2)
    assert caught.value.status == Status.ESME_RINVPARLEN


def test_texts_in_tlvs() -> None:
    assert text((text_tlv(Tag.RECEIPTED_MESSAGE_ID, "a1"),), Tag.RECEIPTED_MESSAGE_ID) == "a1"
    assert text(((int(Tag.RECEIPTED_MESSAGE_ID), b"a1"),), Tag.RECEIPTED_MESSAGE_ID) == "a1"
    tag, value = status_text_tlv("OPTED_OUT 退订 " + "X" * 400)
    assert tag == 0x001D
    assert len(value) == 256, "its NUL included (§5.3.2.11)"
    assert value.startswith(b"OPTED_OUT ?? X")
    assert value.endswith(b"X\0")


# --- responses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "message_id"),
    [
        (b"", 0x58, ""),  # as the specification wants a failure
        (b"", 0, ""),  # an empty body with status 0 is common
        (b"abc\0", 0x58, "abc"),  # so is a body with a failure
        (b"abc", 0, "abc"),  # and a forgotten NUL
        (b"\0", 0, ""),
        (b"abc\0junk", 0, "abc"),
        (b"x" * 200 + b"\0", 0, "x" * 200),
        (b"x" * 5_000, 0, "x" * 255),
    ],
)
def test_responses_as_peers_really_send_them(body: bytes, status: int, message_id: str) -> None:
    for command in (Command.SUBMIT_SM_RESP, Command.DELIVER_SM_RESP, Command.DATA_SM_RESP):
        read = decode(frame(command, body, status=status))
        assert isinstance(read, SubmitSmResp | DeliverSmResp | DataSmResp)
        assert (read.status, read.message_id, read.tlvs) == (status, message_id, ())


def test_a_failed_response_has_a_body_only_for_its_tlvs() -> None:
    assert len(encode(SubmitSmResp(sequence=1, status=0x58))) == 16
    assert len(encode(BindResp(sequence=1, status=0x0E, system_id="tideng"))) == 16
    assert encode(DeliverSmResp(sequence=1))[16:] == b"\0"  # one NUL octet, unused (§4.6.2)
    tlv = status_text_tlv("OPTED_OUT")
    refusal = SubmitSmResp(sequence=1, status=0x0405, tlvs=(tlv,))
    assert decode(encode(refusal)) == refusal


@pytest.mark.parametrize("body", [b"", b"tideng", b"tideng\0", b"tideng\0\x02\x10\x00\x01\x34", b"\0\x02"])
def test_bind_responses_as_peers_really_send_them(body: bytes) -> None:
    read = decode(frame(Command.BIND_RECEIVER_RESP, body, status=0))
    assert isinstance(read, BindResp)
    assert read.command_id == Command.BIND_RECEIVER_RESP
    assert read.system_id in ("", "tideng")
    assert read.tlv(Tag.SC_INTERFACE_VERSION) == (b"\x34" if body.endswith(b"\x34") else None)


def test_longer_passwords_are_read_but_not_sent() -> None:
    password = b"p" * 30
    bind = decode(frame(Command.BIND_TRANSCEIVER, b"acme\0" + password + b"\0VMS\0\x34\0\0\0"))
    assert isinstance(bind, BindTransceiver)
    assert bind.password == password.decode()
    not_sent(BindTransceiver(sequence=1, password="p" * 9), "password", "8")
    refused(frame(Command.BIND_TRANSCEIVER, b"a\0" + b"p" * 65 + b"\0\0\x34\0\0\0"), Status.ESME_RINVPASWD)


# --- submit_multi ------------------------------------------------------------------------------------------


def multi(destinations: bytes) -> bytes:
    return frame(Command.SUBMIT_MULTI, b"\0\0\0\0" + destinations + b"\0\0\0\0\0\0\0\0\0\0")


def test_destinations_of_submit_multi() -> None:
    read = decode(multi(b"\x02\x01\x01\x01138\0\x02friends\0"))
    assert isinstance(read, SubmitMulti)
    assert [type(one).__name__ for one in read.destinations] == ["SmeAddress", "DistributionList"]
    refused(multi(b"\0"), Status.ESME_RINVNUMDESTS)
    refused(multi(b"\xff" + b"\x02x\0" * 255), Status.ESME_RINVNUMDESTS)
    refused(multi(b"\x01\x03\0"), Status.ESME_RINVDESTFLAG)
    refused(multi(b"\x01\x02" + b"x" * 21 + b"\0"), Status.ESME_RINVDLNAME)
    refused(multi(b"\x01\x01\0\0" + b"1" * 21 + b"\0"), Status.ESME_RINVDSTADR)
    not_sent(SubmitMulti(sequence=1), "0 destinations")
    not_sent(SubmitMulti(sequence=1, destinations=(SmeAddress(),) * 255), "254")


def test_unsuccessful_destinations() -> None:
    failed = SubmitMultiResp(sequence=1, message_id="a", unsuccess=(UnsuccessSme(1, 1, "138", 0x0405),))
    assert decode(encode(failed)) == failed
    cut = decode(frame(Command.SUBMIT_MULTI_RESP, encode(failed)[16:-2]))
    assert isinstance(cut, SubmitMultiResp)
    assert (cut.message_id, cut.unsuccess) == ("a", ())


def test_a_query_response_cut_short_keeps_what_is_there() -> None:
    whole = QuerySmResp(sequence=7, message_id="a", final_date="", message_state=2, error_code=1)
    cut = decode(frame(Command.QUERY_SM_RESP, encode(whole)[16:-1]))
    assert cut == QuerySmResp(sequence=7, message_id="a", message_state=2)


def test_message_is_what_both_kinds_share() -> None:
    assert isinstance(MESSAGE, Message)
    assert not isinstance(MESSAGE, DeliverSm)
