"""Peers that err, stall, flood or attack: the protocol's own error answer, other sessions undisturbed."""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from doors_smpp.door_rig import (
    BIND_RX,
    BIND_TRX,
    CANCEL,
    DATA,
    DELIVER,
    ENQUIRE,
    HEADER,
    MULTI,
    OK,
    PASSWORD,
    QUERY,
    REPLACE,
    RESP,
    SUBMIT,
    UNBIND,
    Peer,
    Rig,
    bind_body,
    customer,
    password_hash,
    pdu,
    play,
    report,
    running,
    submit_body,
    tlv,
    udh,
)
from tideng.gateway.connection import BUFFER_BYTES_MAX, WRITE_HIGH_BYTES

WRONG_LENGTH, WRONG_COMMAND_LENGTH, UNKNOWN_COMMAND, WRONG_STATE = 0x01, 0x02, 0x03, 0x04
REQUESTS = (
    SUBMIT,
    DATA,
    MULTI,
    QUERY,
    CANCEL,
    REPLACE,
    DELIVER,
    BIND_RX,
    BIND_TRX,
    0x0B,
    0x102,
    0x111,
    0x7777,
)
PAYLOAD = 0x0424


def tell(folder: Path, story: Callable[[Rig], Awaitable[None]], **how: Any) -> None:
    """Play with a second customer's bind beside, which must not notice; and no callback may have raised."""

    async def run() -> None:
        raised: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
        async with running(folder, **how) as rig:
            beside = await rig.bound()
            await story(rig)
            assert (await beside.submit(b"beside")).status == OK
            assert rig.desk.offered[-1].text == "beside"
        assert raised == []

    asyncio.run(run())


async def answers_up_to(peer: Peer, sequence: int) -> list[tuple[int, int, int]]:
    """(command, status, sequence) of everything until the answer to `sequence`."""
    found = []
    while not found or found[-1][2] != sequence:
        got = await peer.read()
        found.append((got.command, got.status, got.sequence))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_garbage_in_every_request_is_answered_once(tmp_path: Path, seed: int) -> None:
    """300 requests with bodies of noise, or of right bodies cut and bent."""
    noise = random.Random(seed)
    right = [submit_body(), submit_body(udh(1, 2, 1) + b"x", esm_class=0x40), bind_body(), b"11\0\0\0\0"]

    def bent() -> bytes:
        body = bytearray(noise.choice(right))
        for _ in range(noise.randrange(4)):
            body[noise.randrange(len(body))] = noise.randrange(256)
        return bytes(body[: noise.randrange(len(body) + 1)]) + noise.randbytes(noise.choice((0, 0, 3, 40)))

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        sent = {}
        for _ in range(300):
            command = noise.choice(REQUESTS)
            body = bent() if noise.random() < 0.7 else noise.randbytes(noise.randrange(300))
            sent[peer.send(command, body)] = command
        last = peer.send(ENQUIRE)
        found = {answer[2]: answer for answer in await answers_up_to(peer, last)}
        while len(found) <= len(sent):
            got = await peer.read()
            assert got.sequence not in found, "answered twice"
            found[got.sequence] = (got.command, got.status, got.sequence)
        for sequence, command in sent.items():
            answer, status, _ = found[sequence]
            assert answer in (command | RESP, RESP), hex(command)
            assert status != OK or command in (SUBMIT, DATA, MULTI, QUERY, CANCEL)

    tell(tmp_path, story, throughput_per_s=10_000, window=1_000)


@pytest.mark.parametrize("length", [0, 1, 15, 70_001, 0x7FFF_FFFF, 0xFFFF_FFFF])
@pytest.mark.parametrize("is_bound", [False, True])
def test_a_length_that_cannot_be(tmp_path: Path, length: int, is_bound: bool) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound() if is_bound else await rig.connect()
        peer.writer.write(HEADER.pack(length, SUBMIT, 0, 5) + b"the rest is never read as a PDU" * 100)
        got = await peer.read()
        assert (got.command, got.status, got.sequence) == (RESP, WRONG_COMMAND_LENGTH, 0)
        assert await peer.ended()
        await rig.until(lambda: rig.door.connections == 1)

    tell(tmp_path, story)


def test_lengths_within_the_pdu(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        assert (await peer.submit(b"x" * 255)).status == WRONG_LENGTH
        assert (await peer.submit(b"x" * 10, length=254)).status != OK
        assert (await peer.submit(b"x" * 10, length=3)).status != OK
        assert (await peer.ask(SUBMIT, b"")).status != OK
        assert (await peer.ask(SUBMIT, b"\0" * 5)).status != OK
        assert rig.desk.offered == []
        # Nothing is something: the review says that the text is empty.
        assert (await peer.submit(b"")).status == OK
        assert (await peer.submit(b"", more=tlv(PAYLOAD, b""))).status == OK
        assert (await peer.submit(b"x" * 254)).status == OK
        longest = 65_535 - 65_535 % 2
        assert (
            await peer.submit(b"", data_coding=8, more=tlv(PAYLOAD, b"\0x" * (longest // 2)))
        ).status == OK
        assert [len(s.text or "") for s in rig.desk.offered] == [0, 0, 254, longest // 2]

    tell(tmp_path, story)


@pytest.mark.parametrize("more", [b"\x04", b"\x04\x24\x00", b"\x04\x24\x00\x05abc", b"\x15\x01\xff\xffabc"])
def test_a_broken_tlv(tmp_path: Path, more: bytes) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        assert (await peer.submit(b"hello", more=more)).status not in (OK, WRONG_STATE)
        assert rig.desk.offered == []
        assert (await peer.submit()).status == OK

    tell(tmp_path, story)


def test_unknown_and_repeated_tlvs_are_let_be(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        many = b"".join(tlv(0x1400 + n, b"?" * (n % 50)) for n in range(500)) + tlv(0x1400, b"again")
        assert (await peer.submit(b"hello", more=many)).status == OK
        assert rig.desk.offered[0].text == "hello"

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("octets", "coding"), [(b"\xd8\x00", 8), (b"\xdc\x00\xd8\x00", 8), (b"\0", 8), (b"\x80", 0), (b"\xc0", 1)]
)
def test_text_that_is_none_is_offered_as_unreadable(tmp_path: Path, octets: bytes, coding: int) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        await peer.submit(octets, data_coding=coding)
        (one,) = rig.desk.offered
        assert one.text is None
        assert one.fault.startswith("unreadable: ")

    tell(tmp_path, story)


@pytest.mark.parametrize(
    "header", [b"\0\3\7\0\1", b"\0\3\7\2\0", b"\0\3\7\2\3", b"\0\3\7\0\0", b"\x08\4\0\7\1\2"]
)
def test_a_place_in_a_message_that_cannot_be(tmp_path: Path, header: bytes) -> None:
    """Part 1 of 0, 0 of 2, 3 of 2, 2 of 1: no place at all, so it is a message by itself."""

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        octets = bytes((len(header),)) + header + b"text"
        assert (await peer.submit(octets, esm_class=0x40)).status == OK
        assert [s.text for s in rig.desk.offered] == ["text"]
        assert rig.kept_parts() == 0

    tell(tmp_path, story)


def test_a_part_too_long_to_be_one_is_not_kept(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        sar = tlv(0x020C, b"\1\2") + tlv(0x020E, b"\2") + tlv(0x020F, b"\1")
        await peer.submit(b"", more=sar + tlv(PAYLOAD, b"x" * 60_000))
        (one,) = rig.desk.offered
        assert one.fault == "unreadable: a part of 60000 octets; the limit is 254"
        assert rig.kept_parts() == 0

    tell(tmp_path, story)


def test_parts_that_never_become_whole_are_bounded(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        for n in range(1_010):
            octets = bytes((6, 8, 4)) + struct.pack(">HBB", n, 2, 1) + b"x"
            peer.send(SUBMIT, submit_body(octets, esm_class=0x40))
        got = [(await peer.read()).status for _ in range(1_010)]
        assert (got.count(OK), got.count(0x58)) == (1_000, 10)
        assert rig.kept_parts() == 1_000

    tell(tmp_path, story, throughput_per_s=5_000, window=2_000)


def test_responses_nobody_asked_for_are_not_answered(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        for sequence in (1, 77, 0x7FFF_FFFF, 0):
            for command in (SUBMIT, DELIVER, BIND_TRX, ENQUIRE, UNBIND, 0, 0x7777):
                peer.writer.write(pdu(command | RESP, sequence, b"junk"))
        last = peer.send(ENQUIRE)
        assert await answers_up_to(peer, last) == [(ENQUIRE | RESP, OK, last)]

    tell(tmp_path, story)


@pytest.mark.parametrize("body", [b"", b"no end", b"\0" * 300, b"x" * 70 + b"\0"])
def test_a_garbled_answer_to_a_report_settles_it_one_way_or_the_other(tmp_path: Path, body: bytes) -> None:
    """Never twice, never an answer to the answer; what cannot be read counts as silence."""

    async def story(rig: Rig) -> None:
        peer = await rig.bound(BIND_RX)
        rig.post.sinks.reverse()  # this one's turn, not the one's beside
        rig.post.send(report(1))
        got = await peer.read()
        peer.writer.write(pdu(DELIVER | RESP, got.sequence, body))
        last = peer.send(ENQUIRE)
        assert await answers_up_to(peer, last) == [(ENQUIRE | RESP, OK, last)]
        if not rig.post.done:
            rig.now += rig.settings.response_s + 1
            await rig.until(lambda: bool(rig.post.done))
        assert len(rig.post.done) == 1

    # The clock's leap would end the silent bind beside as well: here there is none.
    play(tmp_path, story)


def test_before_the_bind_nothing_keeps_a_connection(tmp_path: Path) -> None:
    """enquire_link is answered, refused submits are; neither gives more time."""

    async def story(rig: Rig) -> None:
        peer = await rig.connect()
        for _ in range(3):
            rig.now += 3
            assert (await peer.ask(ENQUIRE)).status == OK
            assert (await peer.submit()).status == WRONG_STATE
        rig.now += 2
        assert await peer.ended()

    tell(tmp_path, story)


def test_a_drip_of_octets_is_not_activity(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        waited = 0.0
        for octet in pdu(SUBMIT, 9, submit_body())[:20]:
            peer.writer.write(bytes((octet,)))
            await peer.writer.drain()
            rig.now += 6
            waited += 6
        assert waited > rig.settings.inactivity_s
        assert await peer.ended()

    play(tmp_path, story, settings={"inactivity_s": 100})


def test_a_flood_nobody_reads_the_answers_of(tmp_path: Path) -> None:
    """TCP holds the peer back: what we keep for it is bounded, and after a while it is dropped."""

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        [session] = rig.door.sessions
        connection = session._connection
        assert connection is not None
        flood = b"".join(pdu(ENQUIRE, n) for n in range(1, 4_001))
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        turns = 0
        while connection.is_writable:
            peer.writer.write(flood)
            await asyncio.sleep(0)
            turns += 1
            assert turns < 5_000
        transport = connection._transport
        assert transport is not None
        kept = connection._buffered + transport.get_write_buffer_size()
        assert kept <= WRITE_HIGH_BYTES + BUFFER_BYTES_MAX
        assert not transport.is_reading()
        assert (await (await rig.bound()).submit()).status == OK
        rig.now += 29  # the stall's limit is reached before the next enquire_link is due
        rig.now += 2
        await rig.until(lambda: session not in rig.door.sessions)

    play(tmp_path, story)


def test_hang_ups_during_the_password_check_pile_up_no_hashes(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.door._hashing, rig.door._hashing:  # both are busy with others
            for _ in range(20):
                peer = await rig.connect()
                peer.send(BIND_TRX, bind_body(password="wrong123"))
                await rig.until(lambda: bool(rig.door._tasks))
                await peer.close()
            await rig.until(lambda: rig.door.connections == 1)
        await rig.until(lambda: not rig.door._tasks)
        # Each check of a wrong password would have counted a failure.
        assert not rig.door._failures

    tell(tmp_path, story, settings={"lockout_failures": 1_000})


def test_a_password_longer_than_the_specification_has(tmp_path: Path) -> None:
    """§5.2.2 has 8 characters; clients send what their form took."""
    long = "a password of thirty character"
    assert len(long) == 30

    async def story(rig: Rig) -> None:
        peer = await rig.connect()
        assert (await peer.bind(password=PASSWORD)).status != OK
        peer = await rig.connect()
        assert (await peer.bind(password=long)).status == OK

    who = customer(password_hash=password_hash(long))

    async def run() -> None:
        async with running(tmp_path, who) as rig:
            await story(rig)

    asyncio.run(run())
