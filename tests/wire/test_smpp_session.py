"""A whole connection without the connection: states, numbers, window, slices, mistakes."""

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.gateway.wire.smpp import (
    AlertNotification,
    Answer,
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
    Event,
    GenericNack,
    Mistake,
    OurMistake,
    Outbind,
    Pdu,
    QuerySm,
    Role,
    Session,
    SessionClosed,
    State,
    Status,
    SubmitSm,
    SubmitSmResp,
    Tag,
    Unbind,
    UnbindResp,
    Unmatched,
    WindowFull,
    decode,
    encode,
    refusal,
    state_diagram,
)
from tideng.gateway.wire.smpp.states import NEXT
from wire.pdu_strategies import ANY

RUNS = settings(max_examples=120, deadline=None, derandomize=True)
BINDS: dict[type[Pdu], tuple[Command, State]] = {
    BindTransmitter: (Command.BIND_TRANSMITTER_RESP, State.BOUND_TX),
    BindReceiver: (Command.BIND_RECEIVER_RESP, State.BOUND_RX),
    BindTransceiver: (Command.BIND_TRANSCEIVER_RESP, State.BOUND_TRX),
}
TAKES_TLVS = ((int(Tag.SC_INTERFACE_VERSION), b"\x34"),)


def pair(kind: type[Pdu] = BindTransceiver, *, window: int = 100) -> tuple[Session, Session]:
    """A bound client and its server."""
    client, server = Session(Role.CLIENT, window=window), Session(Role.SERVER, window=window)
    command, state = BINDS[kind]
    [bind] = server.receive_data(client.request(kind(), "bind", 0.0), 0.0)
    assert isinstance(bind, kind)
    reply = server.respond(BindResp(sequence=bind.sequence, command_id=command, tlvs=TAKES_TLVS))
    [answer] = client.receive_data(reply, 0.0)
    assert isinstance(answer, Answer)
    assert answer.context == "bind"
    assert client.state is server.state is state
    return client, server


def mistake(session: Session, octets: bytes, status: Status, command: int | None = None) -> Mistake:
    """The one place that expects a mistake: one event, its reply, its status."""
    [event] = session.receive_data(octets, 0.0)
    assert isinstance(event, Mistake)
    reply = decode(event.reply)
    assert reply.status == status
    if command is not None:
        assert reply.command_id == command
        assert reply.sequence == struct.unpack_from(">I", octets, 12)[0]
    return event


# --- slices ------------------------------------------------------------------------------------------------


def slices(data: st.DataObject, stream: bytes) -> list[bytes]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def events(session: Session, pieces: list[bytes]) -> tuple[list[Event], list[bytes]]:
    found: list[Event] = []
    frames: list[bytes] = []
    for piece in pieces:
        found += session.receive_data(piece, 0.0)
        frames += session.frames
    assert len(found) == len(frames)
    return found, frames


@RUNS
@given(st.lists(ANY, max_size=6), st.binary(max_size=40), st.sampled_from(Role), st.data())
def test_any_slicing_gives_the_same_events(
    pdus: list[Pdu], noise: bytes, role: Role, data: st.DataObject
) -> None:
    stream = b"".join(map(encode, pdus)) + noise
    whole = pair()[role is Role.SERVER]
    sliced = pair()[role is Role.SERVER]
    octets = pair()[role is Role.SERVER]
    expected = events(whole, [stream])
    assert events(sliced, slices(data, stream)) == expected
    assert events(octets, [bytes((octet,)) for octet in stream]) == expected
    assert whole.state is sliced.state is octets.state
    assert whole.owed == sliced.owed == octets.owed


@RUNS
@given(st.binary(max_size=200), st.booleans(), st.sampled_from(Role))
def test_noise_never_raises_and_is_answered_by_what_decodes(noise: bytes, framed: bool, role: Role) -> None:
    session = pair()[role is Role.SERVER]
    if framed:
        noise = struct.pack(">I", len(noise) + 4) + noise
    for event in session.receive_data(noise, 0.0):
        if isinstance(event, Mistake) and event.reply:
            assert decode(event.reply).status != Status.ESME_ROK
            assert len(event.reply) == 16
            assert event.close == session.is_closed


def test_frames_are_the_octets_behind_the_events() -> None:
    client, server = pair()
    one, two = (client.request(SubmitSm(short_message=text), None, 0.0) for text in (b"1", b"2"))
    server.receive_data(one + two[:20], 0.0)
    assert server.frames == [one]
    server.receive_data(two[20:], 0.0)
    assert server.frames == [two]
    server.receive_data(b"", 0.0)
    assert server.frames == []


def test_a_flood_of_tiny_slices_costs_what_its_octets_cost() -> None:
    # A session that copied its buffer for each slice would copy 30 GB here.
    _, server = pair()
    payload = ((int(Tag.MESSAGE_PAYLOAD), bytes(60_000)),)
    stream = encode(SubmitSm(sequence=1, tlvs=payload)) * 8
    started = time.process_time()
    count = sum(len(server.receive_data(stream[at : at + 1], 0.0)) for at in range(len(stream)))
    assert count == 8
    assert time.process_time() - started < 5


def test_many_pdus_in_one_slice_cost_what_their_octets_cost() -> None:
    # A session that cut its head off for each PDU would copy 20 GB here.
    _, server = pair()
    stream = encode(EnquireLink(sequence=1)) * 50_000
    started = time.process_time()
    assert len(server.receive_data(stream, 0.0)) == 50_000
    assert time.process_time() - started < 5


def test_what_is_kept_is_bounded() -> None:
    session = Session(Role.SERVER, frame_bytes_max=1_000)
    assert session.receive_data(struct.pack(">I", 1_000) + bytes(900), 0.0) == []
    assert not session.is_closed
    mistake(Session(Role.SERVER, frame_bytes_max=1_000), struct.pack(">I", 1_001), Status.ESME_RINVCMDLEN)


@pytest.mark.parametrize("length", [0, 1, 15, 70_001, 0xFFFF_FFFF, 0x4745_5420])
def test_an_absurd_length_ends_the_connection_before_the_body_comes(length: int) -> None:
    session = Session(Role.SERVER)
    assert session.receive_data(struct.pack(">I", length)[:3], 0.0) == []
    [event] = session.receive_data(struct.pack(">I", length)[3:], 0.0)
    assert isinstance(event, Mistake)
    assert event.close
    assert decode(event.reply) == GenericNack(status=Status.ESME_RINVCMDLEN)
    assert session.is_closed
    assert session.receive_data(encode(EnquireLink(sequence=1)), 0.0) == []


def test_what_came_before_the_absurd_length_is_not_lost() -> None:
    _, server = pair()
    good = encode(SubmitSm(sequence=1))
    found = server.receive_data(good + bytes(4) + good, 0.0)
    assert [type(event) for event in found] == [SubmitSm, Mistake]


# --- the peer's mistakes -----------------------------------------------------------------------------------


def test_wrong_state_is_answered_by_the_commands_own_response() -> None:
    server = Session(Role.SERVER)
    mistake(server, encode(SubmitSm(sequence=9)), Status.ESME_RINVBNDSTS, Command.SUBMIT_SM_RESP)
    mistake(server, encode(Unbind(sequence=9)), Status.ESME_RINVBNDSTS, Command.UNBIND_RESP)
    mistake(server, encode(AlertNotification(sequence=9)), Status.ESME_RINVBNDSTS, Command.GENERIC_NACK)
    assert server.state is State.OPEN
    assert server.owed == 0


def test_a_receiver_may_not_submit() -> None:
    client, server = pair(BindReceiver)
    mistake(server, encode(SubmitSm(sequence=9)), Status.ESME_RINVBNDSTS, Command.SUBMIT_SM_RESP)
    mistake(server, encode(QuerySm(sequence=9)), Status.ESME_RINVBNDSTS, Command.QUERY_SM_RESP)
    with pytest.raises(OurMistake, match="submit_sm in state bound_rx"):
        client.request(SubmitSm(), None, 0.0)
    assert client.outstanding == 0


def test_a_transmitter_is_not_delivered_to() -> None:
    client, server = pair(BindTransmitter)
    for pdu in (DeliverSm(), DataSm()):
        with pytest.raises(OurMistake):
            server.request(pdu, None, 0.0)
    mistake(client, encode(DeliverSm(sequence=9)), Status.ESME_RINVBNDSTS, Command.DELIVER_SM_RESP)
    assert client.request(DataSm(), None, 0.0)


@pytest.mark.parametrize("kind", [BindReceiver, BindTransceiver])
@pytest.mark.parametrize("pdu", [DeliverSm(), DataSm()], ids=lambda pdu: type(pdu).__name__)
def test_a_receiver_is_delivered_to_either_way(kind: type[Pdu], pdu: Pdu) -> None:
    client, server = pair(kind)
    [received] = client.receive_data(server.request(pdu, None, 0.0), 0.0)
    assert type(received) is type(pdu)
    assert client.owed == 1


def test_a_second_bind() -> None:
    _, server = pair()
    again = encode(BindReceiver(sequence=9))
    mistake(server, again, Status.ESME_RALYBND, Command.BIND_RECEIVER_RESP)
    waiting = Session(Role.SERVER)
    found = waiting.receive_data(encode(BindTransceiver(sequence=8)) + again, 0.0)
    assert [type(event) for event in found] == [BindTransceiver, Mistake]


def test_a_submit_behind_an_unanswered_bind() -> None:
    server = Session(Role.SERVER)
    found = server.receive_data(encode(BindTransceiver(sequence=8)) + encode(SubmitSm(sequence=9)), 0.0)
    assert [type(event) for event in found] == [BindTransceiver, Mistake]


def test_a_body_that_cannot_be_read() -> None:
    _, server = pair()
    octets = struct.pack(">IIII", 18, Command.SUBMIT_SM, 0, 9) + b"\0\0"
    event = mistake(server, octets, Status.ESME_RINVCMDLEN, Command.SUBMIT_SM_RESP)
    assert not event.close
    [pdu] = server.receive_data(encode(SubmitSm(sequence=10)), 0.0)
    assert isinstance(pdu, SubmitSm), "one bad PDU does not disturb the next"


@pytest.mark.parametrize("command", [0x77, 0x111, 0x112, 0x113])
def test_a_command_we_do_not_serve(command: int) -> None:
    _, server = pair()
    octets = struct.pack(">IIII", 16, command, 0, 9)
    assert not mistake(server, octets, Status.ESME_RINVCMDID, Command.GENERIC_NACK).close


def test_an_unknown_response_is_not_answered() -> None:
    # Its number is one of ours; a nack with it would hit the peer's own request of that number.
    _, server = pair()
    [event] = server.receive_data(struct.pack(">IIII", 16, 0x8000_0077, 0, 9), 0.0)
    assert isinstance(event, Mistake)
    assert event.reply == b""
    assert refusal(Command.SUBMIT_SM_RESP, 9, 8) == b""


def test_a_client_is_not_sent_what_clients_send() -> None:
    client, _ = pair()
    mistake(client, encode(SubmitSm(sequence=9)), Status.ESME_RINVBNDSTS, Command.SUBMIT_SM_RESP)


# --- numbers and the window --------------------------------------------------------------------------------


def test_answers_are_matched_by_number_in_any_order() -> None:
    client, server = pair()
    sent = [client.request(SubmitSm(), f"message {n}", 1.0) for n in range(3)]
    asked = server.receive_data(b"".join(sent), 1.0)
    replies = b"".join(
        server.respond(SubmitSmResp(sequence=pdu.sequence, message_id=str(pdu.sequence)))
        for pdu in reversed(asked)
        if isinstance(pdu, SubmitSm)
    )
    found = client.receive_data(replies, 2.0)
    assert [event.context for event in found if isinstance(event, Answer)] == [
        "message 2", "message 1", "message 0",
    ]  # fmt: skip
    assert client.outstanding == server.owed == 0


def test_the_two_directions_count_apart() -> None:
    client, server = pair()
    submit = decode(client.request(SubmitSm(), "submit", 1.0))
    while True:
        deliver = decode(server.request(DeliverSm(), "deliver", 1.0))
        if deliver.sequence == submit.sequence:
            break
    [pdu] = client.receive_data(encode(deliver), 1.0)
    assert isinstance(pdu, DeliverSm)
    [answer] = client.receive_data(encode(SubmitSmResp(sequence=submit.sequence)), 1.0)
    assert answer == Answer(SubmitSmResp(sequence=submit.sequence), "submit")


def test_the_window() -> None:
    client, _ = pair(window=2)
    first = decode(client.request(SubmitSm(), "a", 1.0))
    client.request(SubmitSm(), "b", 1.0)
    assert (client.window_free, client.outstanding) == (0, 2)
    with pytest.raises(WindowFull, match="window is 2"):
        client.request(SubmitSm(), "c", 1.0)
    # Asking whether the peer lives must still be possible.
    client.request(EnquireLink(), "alive", 1.0)
    assert (client.window_free, client.outstanding) == (0, 3)
    client.receive_data(encode(SubmitSmResp(sequence=first.sequence)), 1.0)
    assert client.window_free == 1
    assert client.request(SubmitSm(), "c", 1.0)


def test_a_request_that_cannot_be_written_takes_no_slot() -> None:
    client, _ = pair(window=1)
    with pytest.raises(OurMistake):
        client.request(SubmitSm(source_addr="1" * 30), None, 1.0)
    assert client.window_free == 1
    assert client.outstanding == 0


def test_numbers_wrap_to_1_and_skip_those_in_use() -> None:
    client = Session(Role.CLIENT, first_sequence=0x7FFF_FFFD)
    bind = decode(client.request(BindTransceiver(), None, 0.0))
    assert bind.sequence == 0x7FFF_FFFD
    reply = BindResp(sequence=bind.sequence, command_id=Command.BIND_TRANSCEIVER_RESP)
    client.receive_data(encode(reply), 0.0)
    numbers = [decode(client.request(SubmitSm(), None, 0.0)).sequence for _ in range(4)]
    assert numbers == [0x7FFF_FFFE, 0x7FFF_FFFF, 1, 2]
    client._window._next = 0x7FFF_FFFE  # as after two thousand million more
    assert decode(client.request(SubmitSm(), None, 0.0)).sequence == 3


def test_a_late_answer_is_not_taken_for_a_new_one() -> None:
    client, _ = pair()
    old = decode(client.request(SubmitSm(), "old", 10.0))
    client.request(SubmitSm(), "young", 35.0)
    assert client.oldest_request_at == 10.0
    assert client.expired(39.9, 30.0) == []
    assert client.expired(40.0, 30.0) == ["old"]
    assert client.expired(40.0, 30.0) == []
    assert client.outstanding == 1
    late = SubmitSmResp(sequence=old.sequence, message_id="x")
    assert client.receive_data(encode(late), 41.0) == [Unmatched(late)]
    assert client.receive_data(encode(late), 41.0) == [Unmatched(late)]


def test_a_response_to_something_else_answers_nothing() -> None:
    client, _ = pair()
    sent = decode(client.request(SubmitSm(), "mine", 1.0))
    other = DeliverSmResp(sequence=sent.sequence)
    assert client.receive_data(encode(other), 1.0) == [Unmatched(other)]
    assert client.outstanding == 1
    nack = GenericNack(sequence=sent.sequence, status=Status.ESME_RTHROTTLED)
    assert client.receive_data(encode(nack), 1.0) == [Answer(nack, "mine")]
    nobody = GenericNack(sequence=0, status=Status.ESME_RINVCMDLEN)
    assert client.receive_data(encode(nobody), 1.0) == [Unmatched(nobody)]


def test_abandoning_tells_what_was_unanswered() -> None:
    client, _ = pair()
    client.request(SubmitSm(), "a", 1.0)
    client.request(SubmitSm(), "b", 2.0)
    assert client.abandon() == ["a", "b"]
    assert client.state is State.CLOSED
    assert client.abandon() == []
    with pytest.raises(SessionClosed):
        client.request(SubmitSm(), "c", 3.0)
    with pytest.raises(SessionClosed):
        client.respond(EnquireLinkResp(sequence=1))


def test_closing_keeps_what_is_unanswered_for_abandon() -> None:
    client, _ = pair()
    client.request(SubmitSm(), "a", 1.0)
    client.close()
    assert client.abandon() == ["a"]


# --- binding and parting -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BINDS)
def test_a_refused_bind_may_be_tried_again(kind: type[Pdu]) -> None:
    client, server = Session(Role.CLIENT), Session(Role.SERVER)
    command, state = BINDS[kind]
    for status in (Status.ESME_RINVPASWD, Status.ESME_ROK):
        [bind] = server.receive_data(client.request(kind(), None, 0.0), 0.0)
        assert isinstance(bind, kind)
        assert client.state is server.state is State.BINDING
        reply = BindResp(sequence=bind.sequence, status=status, command_id=command)
        [answer] = client.receive_data(server.respond(reply), 0.0)
        assert isinstance(answer, Answer)
        assert client.state is server.state is (State.OPEN if status else state)


def test_a_refused_bind_teaches_nothing_about_the_peer() -> None:
    client = Session(Role.CLIENT)
    bind = decode(client.request(BindTransceiver(), None, 0.0))
    refused = BindResp(sequence=bind.sequence, status=Status.ESME_RBINDFAIL, tlvs=TAKES_TLVS)
    client.receive_data(encode(refused), 0.0)
    assert (client.peer_version, client.peer_takes_tlvs) == (None, False)


def test_a_nacked_bind_does_not_bind() -> None:
    client = Session(Role.CLIENT)
    bind = decode(client.request(BindTransceiver(), None, 0.0))
    client.receive_data(encode(GenericNack(sequence=bind.sequence)), 0.0)
    assert client.state is State.OPEN


def test_a_bind_is_answered_in_kind_and_once() -> None:
    server = Session(Role.SERVER)
    server.receive_data(encode(BindReceiver(sequence=1)), 0.0)
    with pytest.raises(OurMistake):
        server.respond(BindResp(sequence=1, command_id=Command.BIND_TRANSCEIVER_RESP))
    server.respond(BindResp(sequence=1, command_id=Command.BIND_RECEIVER_RESP))
    with pytest.raises(OurMistake):
        server.respond(BindResp(sequence=1, command_id=Command.BIND_RECEIVER_RESP))
    with pytest.raises(OurMistake, match="not a response"):
        server.respond(EnquireLink(sequence=1))


def test_outbind() -> None:
    client, server = Session(Role.CLIENT), Session(Role.SERVER)
    [outbind] = client.receive_data(server.request(Outbind(system_id="smsc"), None, 0.0), 0.0)
    assert isinstance(outbind, Outbind)
    assert server.outstanding == 0, "outbind has no response"
    assert (client.state, server.state) == (State.OUTBOUND, State.OUTBOUND)
    server.receive_data(client.request(BindReceiver(), None, 0.0), 0.0)
    assert (client.state, server.state) == (State.BINDING, State.BINDING)


def test_alert_notification_awaits_nothing() -> None:
    client, server = pair(BindReceiver, window=1)
    [alert] = client.receive_data(server.request(AlertNotification(), None, 0.0), 0.0)
    assert isinstance(alert, AlertNotification)
    assert (server.outstanding, server.window_free, client.owed) == (0, 1, 0)


def test_unbinding_finishes_what_is_outstanding() -> None:
    client, server = pair()
    [submit] = server.receive_data(client.request(SubmitSm(), "last", 1.0), 1.0)
    [unbind] = server.receive_data(client.request(Unbind(), "unbind", 1.0), 1.0)
    assert isinstance(submit, SubmitSm)
    assert isinstance(unbind, Unbind)
    assert (server.owed, server.state) == (2, State.UNBINDING)
    with pytest.raises(OurMistake):
        server.request(DeliverSm(), None, 1.0)
    with pytest.raises(OurMistake):
        client.request(SubmitSm(), None, 1.0)
    octets = server.respond(SubmitSmResp(sequence=submit.sequence, message_id="1"))
    assert server.owed == 1
    octets += server.respond(UnbindResp(sequence=unbind.sequence))
    assert server.is_closed
    found = client.receive_data(octets, 2.0)
    assert [event.context for event in found if isinstance(event, Answer)] == ["last", "unbind"]
    assert client.is_closed


def test_a_submit_that_crosses_our_unbind_is_refused_not_lost() -> None:
    client, server = pair()
    submit = client.request(SubmitSm(), "crossing", 1.0)
    server.request(Unbind(), None, 1.0)
    mistake(server, submit, Status.ESME_RINVBNDSTS, Command.SUBMIT_SM_RESP)


def test_unbinds_that_cross() -> None:
    client, server = pair()
    ours, theirs = server.request(Unbind(), None, 1.0), client.request(Unbind(), None, 1.0)
    [unbind] = client.receive_data(ours, 1.0)
    assert isinstance(unbind, Unbind)
    server.receive_data(theirs, 1.0)
    [answer] = server.receive_data(client.respond(UnbindResp(sequence=unbind.sequence)), 1.0)
    assert isinstance(answer, Answer)
    assert client.is_closed
    assert server.is_closed


def test_enquire_link_in_every_state_but_closed() -> None:
    for role in Role:
        for state in State:
            taken = NEXT[role][state].get(Command.ENQUIRE_LINK)
            assert taken is (None if state is State.CLOSED else state)


# --- versions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "takes"), [(0x00, False), (0x33, False), (0x34, True), (0x50, True)])
def test_tlvs_only_to_peers_that_know_them(version: int, takes: bool) -> None:
    server = Session(Role.SERVER)
    server.receive_data(encode(BindTransceiver(sequence=1, interface_version=version)), 0.0)
    assert (server.peer_version, server.peer_takes_tlvs) == (version, takes)
    reply = BindResp(sequence=1, command_id=Command.BIND_TRANSCEIVER_RESP, tlvs=TAKES_TLVS)
    assert bool(decode(server.respond(reply)).tlvs) is takes
    receipt = DeliverSm(tlvs=((int(Tag.MESSAGE_STATE), b"\2"),), short_message=b"id:1")
    assert bool(decode(server.request(receipt, None, 0.0)).tlvs) is takes


def test_content_is_never_dropped_for_an_old_peer() -> None:
    client = Session(Role.CLIENT)
    bind = decode(client.request(BindTransceiver(), None, 0.0))
    client.receive_data(
        encode(BindResp(sequence=bind.sequence, command_id=Command.BIND_TRANSCEIVER_RESP)), 0.0
    )
    assert client.state is State.BOUND_TRX
    assert not client.peer_takes_tlvs, "no sc_interface_version: assume none (§3.4)"
    for tag in (Tag.MESSAGE_PAYLOAD, Tag.SAR_MSG_REF_NUM):
        with pytest.raises(OurMistake, match="no TLVs"):
            client.request(SubmitSm(tlvs=((int(tag), b"12"),)), None, 0.0)


# --- the table ---------------------------------------------------------------------------------------------


def test_the_table_is_whole() -> None:
    for role in Role:
        assert set(NEXT[role]) == set(State)
        for row in NEXT[role].values():
            assert set(row) <= set(Command)
    assert {state for state in State if state.is_bound} == {state for _, state in BINDS.values()}


def test_the_diagram_is_drawn_from_the_table() -> None:
    lines = state_diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> open"]
    for role in Role:
        for state, row in NEXT[role].items():
            for target in set(row.values()):
                assert any(line.startswith(f"    {state.value} --> {target.value}: ") for line in lines)
    assert "    binding --> open: server: bind response, status not ROK" in lines
    assert any("client: submit_sm<br/>" in line for line in lines)
