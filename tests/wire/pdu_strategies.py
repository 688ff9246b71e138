"""Every PDU as Hypothesis draws it: within the limits that `encode` keeps."""

from hypothesis import strategies as st

from tideng.gateway.wire.smpp import (
    AlertNotification,
    BindReceiver,
    BindResp,
    BindTransceiver,
    BindTransmitter,
    CancelSm,
    CancelSmResp,
    Command,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    DistributionList,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    Outbind,
    Pdu,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
    UnsuccessSme,
)

OCTET = st.integers(0, 255)
MESSAGE_PAYLOAD = 0x0424
TLVS = st.lists(
    st.tuples(st.integers(0, 0xFFFF).filter(lambda tag: tag != MESSAGE_PAYLOAD), st.binary(max_size=20)),
    max_size=3,
).map(tuple)
STATUS = st.integers(0, 0xFFFF_FFFF)


def text(octets_max: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=octets_max - 1)


TIME = st.one_of(st.just(""), st.text("0123456789+-R", min_size=16, max_size=16))
ADDRESS = text(21)
HEAD = {"sequence": st.integers(1, 0x7FFF_FFFF), "tlvs": TLVS}
RESP_HEAD = {"sequence": st.integers(0, 0xFFFF_FFFF), "tlvs": TLVS, "status": STATUS}
SOURCE = {"source_addr_ton": OCTET, "source_addr_npi": OCTET, "source_addr": ADDRESS}
DESTINATION = {"dest_addr_ton": OCTET, "dest_addr_npi": OCTET, "destination_addr": ADDRESS}
MESSAGE = {
    "service_type": text(6),
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
    "system_id": text(16),
    "password": text(9),
    "system_type": text(13),
    "interface_version": OCTET,
    "addr_ton": OCTET,
    "addr_npi": OCTET,
    "address_range": text(41),
}
SME = st.builds(SmeAddress, dest_addr_ton=OCTET, dest_addr_npi=OCTET, destination_addr=ADDRESS)
LIST = st.builds(DistributionList, dl_name=ADDRESS)
UNSUCCESS = st.builds(
    UnsuccessSme,
    dest_addr_ton=OCTET,
    dest_addr_npi=OCTET,
    destination_addr=ADDRESS,
    error_status_code=STATUS,
)
LONG_SOURCE = {**SOURCE, "source_addr": text(65)}
BINDS: dict[type[Pdu], st.SearchStrategy[Pdu]] = {
    kind: st.builds(kind, **HEAD, **BIND) for kind in (BindReceiver, BindTransmitter, BindTransceiver)
}


def answered(kind: type[Pdu], **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Pdu]:
    """A response with a body: where the status is not ROK it has none, unless TLVs need one (§4.4.2)."""
    good = st.builds(kind, **{**RESP_HEAD, "status": st.just(0)}, **fields)
    bad = st.builds(kind, **{**RESP_HEAD, "tlvs": st.just(())})
    return good | bad


EACH: dict[type[Pdu], st.SearchStrategy[Pdu]] = {
    **BINDS,
    BindResp: answered(
        BindResp,
        command_id=st.sampled_from(
            [Command.BIND_RECEIVER_RESP, Command.BIND_TRANSMITTER_RESP, Command.BIND_TRANSCEIVER_RESP]
        ),
        system_id=text(16),
    ),
    Outbind: st.builds(Outbind, **HEAD, system_id=text(16), password=text(9)),
    Unbind: st.builds(Unbind, **HEAD),
    UnbindResp: st.builds(UnbindResp, **RESP_HEAD),
    EnquireLink: st.builds(EnquireLink, **HEAD),
    EnquireLinkResp: st.builds(EnquireLinkResp, **RESP_HEAD),
    GenericNack: st.builds(GenericNack, **RESP_HEAD),
    SubmitSm: st.builds(SubmitSm, **HEAD, **SOURCE, **DESTINATION, **MESSAGE),
    DeliverSm: st.builds(DeliverSm, **HEAD, **SOURCE, **DESTINATION, **MESSAGE),
    SubmitSmResp: st.builds(SubmitSmResp, **RESP_HEAD, message_id=text(65)),
    DeliverSmResp: st.builds(DeliverSmResp, **RESP_HEAD, message_id=text(65)),
    SubmitMulti: st.builds(
        SubmitMulti,
        **HEAD,
        **SOURCE,
        **MESSAGE,
        destinations=st.lists(SME | LIST, min_size=1, max_size=5).map(tuple),
    ),
    SubmitMultiResp: answered(
        SubmitMultiResp, message_id=text(65), unsuccess=st.lists(UNSUCCESS, max_size=4).map(tuple)
    ),
    DataSm: st.builds(
        DataSm,
        **HEAD,
        **LONG_SOURCE,
        **{**DESTINATION, "destination_addr": text(65)},
        service_type=text(6),
        esm_class=OCTET,
        registered_delivery=OCTET,
        data_coding=OCTET,
    ),
    DataSmResp: st.builds(DataSmResp, **RESP_HEAD, message_id=text(65)),
    QuerySm: st.builds(QuerySm, **HEAD, **SOURCE, message_id=text(65)),
    QuerySmResp: answered(
        QuerySmResp, message_id=text(65), final_date=TIME, message_state=OCTET, error_code=OCTET
    ),
    CancelSm: st.builds(CancelSm, **HEAD, **SOURCE, **DESTINATION, service_type=text(6), message_id=text(65)),
    CancelSmResp: st.builds(CancelSmResp, **RESP_HEAD),
    ReplaceSm: st.builds(
        ReplaceSm,
        **HEAD,
        **SOURCE,
        message_id=text(65),
        schedule_delivery_time=TIME,
        validity_period=TIME,
        registered_delivery=OCTET,
        sm_default_msg_id=OCTET,
        short_message=st.binary(max_size=254),
    ),
    ReplaceSmResp: st.builds(ReplaceSmResp, **RESP_HEAD),
    AlertNotification: st.builds(
        AlertNotification, **HEAD, **LONG_SOURCE, esme_addr_ton=OCTET, esme_addr_npi=OCTET, esme_addr=text(65)
    ),
}
ANY: st.SearchStrategy[Pdu] = st.one_of(*EACH.values())
