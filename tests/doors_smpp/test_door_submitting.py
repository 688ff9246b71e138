"""What a customer submits, and what it is answered."""

import asyncio
from pathlib import Path

import pytest

from doors_smpp.door_rig import (
    CANCEL,
    DATA,
    HEADER,
    MULTI,
    NOON,
    OK,
    QUERY,
    REPLACE,
    RESP,
    SUBMIT,
    SYSERR,
    THROTTLED,
    UNBIND,
    Rig,
    pdu,
    play,
    refused,
    sent,
    submit_body,
    tlv,
    tlvs,
    udh,
)
from tideng.gateway.intake import NotRecorded, Outcome
from tideng.gateway.messages import Submission
from tideng.gateway.pump import Overloaded
from tideng.gateway.review.codes import CODES
from tideng.gateway.wire.smpp import VENDOR_STATUS

INFO, PAYLOAD = 0x001D, 0x0424


def test_every_field_arrives(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        body = submit_body("您好".encode("utf-16-be"), data_coding=8, registered=3)
        got = await peer.ask(SUBMIT, body)
        (one,) = rig.desk.offered
        assert (got.status, got.text) == (OK, str(one.id))
        assert (one.customer, one.recipient, one.code_number) == ("acme", "13800138000", "106900990003")
        assert (one.text, one.fault, one.flash) == ("您好", "", False)
        assert (one.door, one.peer, one.received_at, one.registered_delivery) == (
            "smpp", "127.0.0.1", NOON, 3,
        )  # fmt: skip
        assert (one.raw, one.auth) == (pdu(SUBMIT, got.sequence, body), "password")
        assert one.part_ids == ()

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("default", "octets", "data_coding", "text"),
    [
        ("gsm", b"\x00\x1b\x65", 0, "@€"),
        ("latin1", b"\xe9t\xe9", 0, "été"),
        ("utf8", "您好".encode(), 0, "您好"),
        ("ascii", b"plain", 0, "plain"),
        ("gsm", b"\xe9", 3, "é"),
        ("gsm", "😀".encode("utf-16-be"), 8, "😀"),
        ("gsm", b"flash", 0xF0, "flash"),
        ("gsm", "闪".encode("utf-16-be"), 0x18, "闪"),
    ],
)
def test_alphabets(tmp_path: Path, default: str, octets: bytes, data_coding: int, text: str) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        assert (await peer.submit(octets, data_coding=data_coding)).status == OK
        (one,) = rig.desk.offered
        assert (one.text, one.fault) == (text, "")
        assert one.flash == (data_coding in (0xF0, 0x18))

    play(tmp_path, story, default_alphabet=default)


@pytest.mark.parametrize(
    ("octets", "data_coding", "esm_class"),
    [
        (b"\x01\x02", 4, 0),
        (b"\x01\x02", 2, 0),
        (b"odd", 8, 0),
        (b"\xd8\x3d", 8, 0),
        (b"\x09too short", 0, 0x40),
        (b"\x06\x05\x04\x0b\x84\x23\xf0application", 0, 0x40),
    ],
)
def test_what_cannot_be_read_is_said_not_guessed(
    tmp_path: Path, octets: bytes, data_coding: int, esm_class: int
) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        await peer.submit(octets, data_coding=data_coding, esm_class=esm_class)
        (one,) = rig.desk.offered
        assert one.text is None
        assert one.fault
        assert "application" not in one.fault

    play(tmp_path, story)


def test_times(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        assert (await peer.submit(schedule="000000010000000R", validity="270115160000032+")).status == OK
        (one,) = rig.desk.offered
        assert (one.not_before, one.valid_until) == (NOON + 3_600_000_000, NOON)
        assert (await peer.submit(schedule="tomorrow at noon")).status == 0x61
        assert (await peer.submit(validity="270199000000000+")).status == 0x62
        assert len(rig.desk.offered) == 1

    play(tmp_path, story)


def test_payload_and_unknown_tlvs(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        more = tlv(0x1501, b"?") + tlv(PAYLOAD, b"x" * 1000) + tlv(0x3FFF, b"")
        assert (await peer.submit(b"", more=more)).status == OK
        assert (await peer.submit(b"both", more=tlv(PAYLOAD, b"both"))).status == 0x01
        assert [s.text for s in rig.desk.offered] == ["x" * 1000]

    play(tmp_path, story)


def test_data_sm(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        body = b"\0\0\0106\0\1\0113800138000\0\0\1\0" + tlv(PAYLOAD, b"by data sm")
        got = await peer.ask(DATA, body)
        (one,) = rig.desk.offered
        assert (got.status, got.text, one.text) == (OK, str(one.id), "by data sm")

    play(tmp_path, story)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_finding_code_has_its_status(code: str) -> None:
    from tideng.gateway.doors.smpp_submits import refusal

    status, found = refusal([code, "DEBT_DEMAND"])
    assert VENDOR_STATUS[status].strip()  # type: ignore[index]  # an int that is one of them
    assert found[0][1].startswith(code.encode() + b",")


def test_a_refusal_names_its_codes_and_a_hold_does_not(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.desk.decide = refused("OPTED_OUT", "SIGNATURE_MISSING")
        got = await peer.submit()
        assert (got.status, got.text) == (0x0405, str(rig.desk.offered[0].id))
        info = tlvs(got.body[len(got.text) + 1 :])[INFO]
        assert info == b"OPTED_OUT,SIGNATURE_MISSING\0"
        rig.desk.decide = refused(*(f"CODE_OF_SOME_LENGTH_{n}" for n in range(40)))
        got = await peer.submit()
        info = tlvs(got.body[len(got.text) + 1 :])[INFO]
        assert got.status == 0x04FF
        assert 200 < len(info) <= 256
        assert all(name.startswith("CODE_OF_SOME_LENGTH_") for name in info[:-1].decode().split(","))
        rig.desk.decide = lambda s: Outcome(s.id, "hold", ("DEBT_DEMAND",), 1)
        got = await peer.submit()
        assert (got.status, got.body) == (OK, str(rig.desk.offered[2].id).encode() + b"\0")

    play(tmp_path, story)


def test_not_recorded_and_overloaded_are_temporary(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.desk.decide = lambda s: NotRecorded("the disk is full")
        assert (await peer.submit()).status == SYSERR

        def overloaded(submission: Submission) -> Outcome:
            raise Overloaded("intake", 1)

        rig.desk.decide = overloaded
        assert (await peer.submit()).status == THROTTLED
        rig.desk.decide = sent
        assert (await peer.submit()).status == OK

    play(tmp_path, story)


def test_throughput_is_the_customer_s_over_all_its_binds(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one, two = await rig.bound(), await rig.bound()
        assert [(await peer.submit()).status for peer in (one, two, one, two, one)] == [OK] * 5
        assert (await two.submit()).status == THROTTLED
        rig.now += 0.4
        assert [(await peer.submit()).status for peer in (one, two, one)] == [OK, OK, THROTTLED]
        assert len(rig.desk.offered) == 7

    play(tmp_path, story, throughput_per_s=5)


def test_a_flood_beyond_the_window_is_throttled_not_kept(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.desk.answers_at_once = False
        peer = await rig.bound()
        for _ in range(50):
            peer.send(SUBMIT, submit_body())
        early = [await peer.read() for _ in range(40)]
        assert {got.status for got in early} == {THROTTLED}
        assert len(rig.desk.offered) == 10
        while rig.desk.later:
            rig.desk.answer()
        assert [(await peer.read()).status for _ in range(10)] == [OK] * 10
        rig.desk.answers_at_once = True
        assert (await peer.submit()).status == OK

    play(tmp_path, story, window=10)


def test_answers_in_any_order(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.desk.answers_at_once = False
        peer = await rig.bound()
        asked = [peer.send(SUBMIT, submit_body(b"%d" % n)) for n in range(5)]
        await rig.until(lambda: len(rig.desk.later) == 5)
        ids = [str(submission.id) for submission, _ in rig.desk.later]
        for _ in range(5):
            rig.desk.answer(-1)
        got = [await peer.read() for _ in range(5)]
        assert [(g.sequence, g.text) for g in got] == list(zip(asked, ids, strict=True))[::-1]

    play(tmp_path, story)


def test_unbind_waits_for_the_answers_that_are_owed(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.desk.answers_at_once = False
        peer = await rig.bound()
        peer.send(SUBMIT, submit_body())
        peer.send(SUBMIT, submit_body())
        peer.send(UNBIND)
        await rig.until(lambda: len(rig.desk.later) == 2)
        rig.desk.answer()
        rig.desk.answer()
        got = [await peer.read() for _ in range(3)]
        assert [g.command for g in got] == [SUBMIT | RESP, SUBMIT | RESP, UNBIND | RESP]
        assert [g.status for g in got] == [OK, OK, OK]
        assert await peer.ended()

    play(tmp_path, story)


def test_the_door_closes_after_the_answers_that_are_owed(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.desk.answers_at_once = False
        peer = await rig.bound()
        peer.send(SUBMIT, submit_body())
        await rig.until(lambda: len(rig.desk.later) == 1)
        closing = asyncio.create_task(rig.door.close())

        async def customer() -> list[int]:
            commands = []
            while SUBMIT | RESP not in commands or UNBIND not in commands:
                got = await peer.read()
                commands.append(got.command)
                if got.command == UNBIND:
                    peer.acknowledge(got)
            return commands

        reading = asyncio.create_task(customer())
        for _ in range(20):
            await asyncio.sleep(0)
        rig.desk.answer()
        assert set(await reading) == {SUBMIT | RESP, UNBIND}
        await closing
        assert rig.door.connections == 0

    play(tmp_path, story)


def test_an_answer_that_comes_after_the_connection_is_gone(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.desk.answers_at_once = False
        peer = await rig.bound()
        peer.send(SUBMIT, submit_body())
        await rig.until(lambda: len(rig.desk.later) == 1)
        await peer.close()
        await rig.until(lambda: rig.door.connections == 0)
        rig.desk.answer()
        other = await rig.bound()
        rig.desk.answers_at_once = True
        assert (await other.submit()).status == OK

    play(tmp_path, story)


def _multi(*people: str, octets: bytes = b"to many", esm_class: int = 0) -> bytes:
    addresses = b"".join(b"\1\1\1" + one.encode() + b"\0" for one in people)
    return (
        b"\0\0\0106\0" + bytes((len(people),)) + addresses
        + bytes((esm_class, 0, 0)) + b"\0\0" + bytes((1, 0, 0, 0, len(octets))) + octets
    )  # fmt: skip


def test_submit_multi(tmp_path: Path) -> None:
    def decide(submission: Submission) -> Outcome:
        codes = ("OPTED_OUT",) if submission.recipient.endswith("2") else ()
        return Outcome(submission.id, "refuse" if codes else "send", codes, 1)

    async def story(rig: Rig) -> None:
        rig.desk.decide = decide
        peer = await rig.bound()
        got = await peer.ask(MULTI, _multi("13800138001", "13800138002", "13800138003"))
        assert [s.recipient[-1] for s in rig.desk.offered] == ["1", "2", "3"]
        assert len({s.id for s in rig.desk.offered}) == 3
        assert (got.status, got.text) == (OK, str(rig.desk.offered[0].id))
        unsuccess = got.body[len(got.text) + 1 :]
        assert unsuccess == b"\1\1\1" + b"13800138002\0" + b"\0\0\x04\x05"
        got = await peer.ask(MULTI, _multi("13800138002"))
        assert got.status == 0x0405

    play(tmp_path, story)


def test_submit_multi_to_a_list_or_in_parts(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        body = _multi("13800138001").replace(b"\1\1\1" + b"13800138001\0", b"\2friends\0")
        assert (await peer.ask(MULTI, body)).status != OK
        assert rig.desk.offered == []
        await peer.ask(MULTI, _multi("13800138001", octets=udh(1, 2, 1) + b"half", esm_class=0x40))
        assert [s.text for s in rig.desk.offered if s.text == "half"] == [], "a part was reviewed alone"

    play(tmp_path, story)


def test_query_cancel_replace(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.inquiries.states = {
            ("acme", 11): "delivered", ("acme", 12): "held", ("acme", 13): "refused", ("other", 14): "held",
        }  # fmt: skip
        peer = await rig.bound()
        for message, state in ((11, 2), (13, 8)):
            got = await peer.ask(QUERY, b"%d\0\0\0\0" % message)
            assert (got.status, got.text, got.body[-2]) == (OK, str(message), state)
        for unknown in (b"14", b"99", b"x", b"", b"9" * 40):
            assert (await peer.ask(QUERY, unknown + b"\0\0\0\0")).status == 0x67
        for message, status in ((12, OK), (11, 0x11), (14, 0x11)):
            body = b"\0%d\0\0\0\0\0\0\0" % message
            assert (await peer.ask(CANCEL, body)).status == status
        replace = b"11\0\0\0\0\0\0\0\0\2hi"
        assert (await peer.ask(REPLACE, replace)).status == 0x13

    play(tmp_path, story)


def test_noise_and_limits(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        other = await rig.bound()
        peer = await rig.bound()
        assert (await peer.submit(b"x" * 255, length=255)).status == 0x01
        peer.writer.write(pdu(0x7777, 90))
        got = await peer.read()
        assert (got.command, got.status, got.sequence) == (RESP, 0x03, 90)
        assert (await peer.ask(SUBMIT, b"garbage without an end")).status != OK
        assert (await peer.submit()).status == OK
        peer.writer.write(HEADER.pack(0x7FFF_FFFF, SUBMIT, 0, 91))
        got = await peer.read()
        assert (got.command, got.status) == (RESP, 0x02)
        assert await peer.ended()
        short = await rig.connect()
        short.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        got = await short.read()
        assert (got.command, got.status) == (RESP, 0x02)
        assert await short.ended()
        assert (await other.submit()).status == OK

    play(tmp_path, story)


def test_byte_by_byte(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        for octet in pdu(SUBMIT, 2, submit_body()):
            peer.writer.write(bytes((octet,)))
            await peer.writer.drain()
        assert (await peer.read()).status == OK

    play(tmp_path, story)
