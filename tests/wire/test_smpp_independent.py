"""Our codec against one that others wrote (smpplib): what they write we read, and what we write they read."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.gateway.wire.smpp import (
    BindReceiver,
    BindResp,
    BindTransceiver,
    BindTransmitter,
    Command,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Pdu,
    QuerySm,
    SubmitSm,
    SubmitSmResp,
    Tag,
    Unbind,
    UnbindResp,
    command_name,
    decode,
    encode,
)

smpplib = pytest.importorskip("smpplib.smpp", reason="the independent codec is in the dev dependencies")

RUNS = settings(max_examples=100, deadline=None, derandomize=True)
OCTET = st.integers(0, 255)
DIGITS = st.text("0123456789", max_size=20)
TIME = st.sampled_from(["", "261124180000000+", "000001000000000R"])
# smpplib keeps what is not ASCII to itself.
WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=5)
MESSAGE = {
    "service_type": WORD,
    "source_addr_ton": OCTET,
    "source_addr_npi": OCTET,
    "source_addr": DIGITS,
    "dest_addr_ton": OCTET,
    "dest_addr_npi": OCTET,
    "destination_addr": DIGITS,
    "esm_class": OCTET,
    "protocol_id": OCTET,
    "priority_flag": OCTET,
    "schedule_delivery_time": TIME,
    "validity_period": TIME,
    "registered_delivery": OCTET,
    "replace_if_present_flag": OCTET,
    "data_coding": OCTET,
    "sm_default_msg_id": OCTET,
    "short_message": st.binary(max_size=254),
}
BIND = {
    "system_id": WORD,
    "password": WORD,
    "system_type": WORD,
    "interface_version": st.just(0x34),  # smpplib writes no other
    "addr_ton": OCTET,
    "addr_npi": OCTET,
    "address_range": DIGITS,
}
HEAD = {"sequence": st.integers(1, 0x7FFF_FFFF)}
EACH: dict[type[Pdu], st.SearchStrategy[Pdu]] = {
    SubmitSm: st.builds(SubmitSm, **HEAD, **MESSAGE),
    DeliverSm: st.builds(DeliverSm, **HEAD, **MESSAGE),
    BindTransmitter: st.builds(BindTransmitter, **HEAD, **BIND),
    BindReceiver: st.builds(BindReceiver, **HEAD, **BIND),
    BindTransceiver: st.builds(BindTransceiver, **HEAD, **BIND),
    BindResp: st.builds(BindResp, **HEAD, system_id=WORD, command_id=st.just(Command.BIND_TRANSCEIVER_RESP)),
    SubmitSmResp: st.builds(SubmitSmResp, **HEAD, message_id=DIGITS),
    DeliverSmResp: st.builds(DeliverSmResp, **HEAD),
    EnquireLink: st.builds(EnquireLink, **HEAD),
    EnquireLinkResp: st.builds(EnquireLinkResp, **HEAD),
    Unbind: st.builds(Unbind, **HEAD),
    UnbindResp: st.builds(UnbindResp, **HEAD),
    GenericNack: st.builds(GenericNack, **HEAD, status=st.integers(1, 0xFFFF)),
    QuerySm: st.builds(
        QuerySm, **HEAD, message_id=DIGITS.filter(bool), source_addr=DIGITS, source_addr_ton=OCTET
    ),
    DataSm: st.builds(DataSm, **HEAD, source_addr=DIGITS, destination_addr=DIGITS, esm_class=OCTET),
}


class Numbered:
    """smpplib asks its client for numbers."""

    def next_sequence(self) -> int:
        return 1


def theirs(octets: bytes) -> Any:
    """What smpplib reads. Any: it has no types."""
    return smpplib.parse_pdu(octets, client=Numbered())


def plain(value: object) -> object:
    """smpplib's octets, None and text as ours."""
    if value is None:
        return ""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def names(pdu: Pdu) -> list[str]:
    return [
        name for name in pdu.__struct_fields__ if name not in ("sequence", "status", "tlvs", "command_id")
    ]


@pytest.mark.parametrize("kind", EACH, ids=lambda kind: kind.__name__)
def test_what_we_write_they_read(kind: type[Pdu]) -> None:
    @RUNS
    @given(EACH[kind])
    def check(pdu: Pdu) -> None:
        read = theirs(encode(pdu))
        assert read.command == command_name(pdu.command_id)
        assert (read.sequence, read.status) == (pdu.sequence, pdu.status)
        for name in names(pdu):
            assert plain(getattr(read, name)) == plain(getattr(pdu, name)), name

    check()


@pytest.mark.parametrize("kind", EACH, ids=lambda kind: kind.__name__)
def test_what_they_write_we_read(kind: type[Pdu]) -> None:
    @RUNS
    @given(EACH[kind])
    def check(pdu: Pdu) -> None:
        fields = {name: getattr(pdu, name) for name in names(pdu)}
        written = smpplib.make_pdu(
            command_name(pdu.command_id),
            client=Numbered(),
            sequence=pdu.sequence,
            **fields,
        )
        written.status = pdu.status
        assert decode(written.generate()) == pdu

    check()


def test_tlvs_both_ways() -> None:
    written = smpplib.make_pdu(
        "deliver_sm", client=Numbered(), sequence=7, receipted_message_id="7f00-1", message_state=2
    )
    read = decode(written.generate())
    assert read.tlv(Tag.RECEIPTED_MESSAGE_ID) == b"7f00-1\0"
    assert read.tlv(Tag.MESSAGE_STATE) == b"\2"
    ours = SubmitSm(sequence=7, tlvs=((int(Tag.MESSAGE_PAYLOAD), b"long " * 99),))
    assert theirs(encode(ours)).message_payload == b"long " * 99
