"""Reports and replies on their way to the customer."""

from pathlib import Path

import pytest
from msgspec import structs

from doors_smpp.door_rig import BIND_RX, BIND_TX, DELIVER, NOON, OK, SUBMIT, Got, Rig, play, reply, report
from tideng.gateway.wire.smpp import decode
from tideng.gateway.wire.smpp.receipts import parse_receipt

RECEIPT, INTERMEDIATE, UDHI = 0x04, 0x20, 0x40
TEMPORARY, PERMANENT = 0x64, 0x65


@pytest.mark.parametrize(
    ("state", "word", "number", "esm_class"),
    [
        ("delivered", b"DELIVRD", 2, RECEIPT),
        ("failed", b"UNDELIV", 5, RECEIPT),
        ("expired", b"EXPIRED", 3, RECEIPT),
        ("refused", b"REJECTD", 8, RECEIPT),
        ("unknown", b"UNKNOWN", 7, RECEIPT),
        ("held", b"ENROUTE", 1, INTERMEDIATE),
    ],
)
def test_reports(tmp_path: Path, state: str, word: bytes, number: int, esm_class: int) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound(BIND_RX)
        rig.post.send(report(1, state))
        got = await peer.read()
        told = got.delivered
        assert got.command == DELIVER
        assert (told["source"], told["destination"]) == ("8613800138000", "106900990003")
        assert (told["source_ton"], told["source_npi"], told["esm_class"]) == (1, 1, esm_class)
        assert told["octets"].startswith(b"id:4711 ")
        assert b"stat:" + word in told["octets"]
        assert told["tlvs"] == {0x001E: b"4711\0", 0x0427: bytes((number,))}
        peer.acknowledge(got)
        await rig.until(lambda: rig.post.done == [(1, True)])

    play(tmp_path, story)


def test_one_report_for_each_id_the_customer_was_given(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.post.send(report(1, part_ids=(4709, 4710, 4711)))
        got = [await peer.read() for _ in range(3)]
        assert [g.delivered["tlvs"][0x001E] for g in got] == [b"4709\0", b"4710\0", b"4711\0"]
        for one in got:
            assert rig.post.done == []
            peer.acknowledge(one)
        await rig.until(lambda: rig.post.done == [(1, True)])

    play(tmp_path, story)


def test_an_old_peer_reads_the_text_alone(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound(version=0x33)
        rig.post.send(report(1, error="001"))
        told = (await peer.read()).delivered
        assert told["tlvs"] == {}
        assert b"err:001" in told["octets"]

    play(tmp_path, story)


@pytest.mark.parametrize("text", ["ok thanks", "好的,谢谢😀", "好" * 200, "é" * 161, "x€" * 160, ""])
def test_replies_arrive_whole(tmp_path: Path, text: str) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.post.send(reply(1, text))
        octets, total, got = b"", 1, None
        while total:
            got = await peer.read()
            told = got.delivered
            assert (told["source"], told["destination"]) == ("8613800138000", "106900990003")
            body = told["octets"]
            if told["esm_class"] == UDHI:
                total = body[4] - body[5]
                body = body[6:]
            else:
                assert told["esm_class"] == total - 1 == 0
                total = 0
            assert len(told["octets"]) <= (140 if told["data_coding"] == 8 else 160)
            octets += body
            peer.acknowledge(got)
        assert got is not None
        from tideng.text.alphabets import Alphabet, alphabet_of
        from tideng.text.alphabets import decode as text_of

        assert text_of(octets, alphabet_of(got.delivered["data_coding"], Alphabet.GSM)) == text
        await rig.until(lambda: rig.post.done == [(1, True)])

    play(tmp_path, story)


@pytest.mark.parametrize("text", ["été", "plain", "您好"])
@pytest.mark.parametrize("default", ["latin1", "ascii", "utf8"])
def test_replies_are_readable_for_whom_coding_0_is_not_gsm(tmp_path: Path, default: str, text: str) -> None:
    async def story(rig: Rig) -> None:
        from tideng.text.alphabets import Alphabet, alphabet_of
        from tideng.text.alphabets import decode as text_of

        peer = await rig.bound()
        rig.post.send(reply(1, text))
        told = (await peer.read()).delivered
        meant = alphabet_of(told["data_coding"], Alphabet(default))
        assert text_of(told["octets"], meant) == text

    play(tmp_path, story, default_alphabet=default)


@pytest.mark.parametrize(("status", "ok"), [(TEMPORARY, False), (0x14, False), (PERMANENT, True), (OK, True)])
def test_what_the_customer_answers(tmp_path: Path, status: int, ok: bool) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.post.send(report(1))
        peer.acknowledge(await peer.read(), status)
        await rig.until(lambda: rig.post.done == [(1, ok)])

    play(tmp_path, story)


def test_silence_means_again(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.post.send(report(1))
        late = await peer.read()
        rig.now += rig.settings.response_s + 1
        await rig.until(lambda: rig.post.done == [(1, False)])
        peer.acknowledge(late)
        assert (await peer.submit()).status == OK
        assert rig.post.done == [(1, False)]

    play(tmp_path, story)


def test_a_report_may_come_by_the_customer_s_other_bind(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        sender, receiver = await rig.bound(BIND_TX), await rig.bound(BIND_RX)
        assert (await sender.submit()).status == OK
        rig.post.send(report(1))
        assert (await receiver.read()).command == DELIVER

    play(tmp_path, story)


def test_what_a_lost_bind_had_is_told_by_the_next(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        first = await rig.bound()
        rig.post.send(*(report(n) for n in range(1, 4)))
        for _ in range(3):
            await first.read()
        await first.close()
        await rig.until(lambda: len(rig.post.done) == 3)
        assert {ok for _, ok in rig.post.done} == {False}
        second = await rig.bound()
        told = [await second.read() for _ in range(3)]
        assert {g.command for g in told} == {DELIVER}
        for got in told:
            second.acknowledge(got)
        await rig.until(lambda: rig.post.done[3:] != [] and len(rig.post.done) == 6)
        assert {ok for _, ok in rig.post.done[3:]} == {True}

    play(tmp_path, story)


def test_the_window_of_letters(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.post.send(*(report(n) for n in range(1, 11)))
        assert len(rig.post.letters) == 7
        seen: list[Got] = [await peer.read() for _ in range(3)]
        # Answers come in any order.
        while len(seen) < 10:
            peer.acknowledge(seen[-1])
            seen.append(await peer.read())
        for got in seen[:2] + seen[-1:]:
            peer.acknowledge(got)
        await rig.until(lambda: len(rig.post.done) == 10)
        assert all(ok for _, ok in rig.post.done)

    play(tmp_path, story, window=3)


def test_a_letter_with_what_no_field_can_hold_is_told_as_far_as_it_can(tmp_path: Path) -> None:
    """Numbers as carriers write them may be anything: such a letter stops neither the loop nor the others."""

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.post.send(
            report(1, message=4711, number="联系人"),
            report(2, message=4712, code_number="1" * 30),
            structs.replace(reply(3, "hi"), number="\0"),
            report(4, message=4714, error="错误"),
            structs.replace(reply(5, "bank"), number="BANK"),
            reply(6, "好" * 20_000),
            report(9, message=4719),
        )
        told = []
        for _ in range(5 + 150 + 1):
            got = await peer.read()
            peer.acknowledge(got)
            told.append(got.delivered)
        await rig.until(lambda: len(rig.post.done) == 7)
        assert sorted(rig.post.done) == [(n, True) for n in (1, 2, 3, 4, 5, 6, 9)]
        assert rig.post.pushes == 7
        reports = [one for one in told if one["tlvs"]]
        assert [one["tlvs"][0x001E] for one in reports] == [b"4711\0", b"4712\0", b"4714\0", b"4719\0"]
        person, code = "8613800138000", "106900990003"
        addresses = [(one["source"], one["destination"]) for one in reports]
        # Half a number is another's number: what does not fit is left out, not cut.
        assert addresses == [("", code), (person, ""), (person, code), (person, code)]
        assert b"err:000" in reports[2]["octets"]
        replies = [one for one in told if not one["tlvs"]]
        assert [(one["source_ton"], one["source"], one["octets"]) for one in replies[:2]] == [
            (0, "", b"hi"),
            (5, "BANK", b"bank"),
        ]
        long = b"".join(one["octets"][6:] for one in replies[2:]).decode("utf-16-be")
        assert long == "好" * 10_000 + "…"

    play(tmp_path, story)


def test_the_code_of_a_hold_is_told_whole(tmp_path: Path) -> None:
    """Not cut at the usual 20 characters; and GSM has another sign where ASCII has the underscore."""

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.post.send(report(1, "held", error="SIGNATURE_UNREGISTERED"))
        told = (await peer.read()).delivered
        assert told["octets"].endswith(b"err:000 text:SIGNATURE_UNREGISTERED")
        assert told["data_coding"] == 1
        # smpplib fails on any TLV the specification does not list for deliver_sm.
        assert set(told["tlvs"]) == {0x001E, 0x0427}

    play(tmp_path, story)


def test_mail_during_the_close(tmp_path: Path) -> None:
    """While we unbind, nothing new can be told: the mail stays, and the close ends."""

    async def story(rig: Rig) -> None:
        import asyncio

        peer = await rig.bound()
        closing = asyncio.create_task(rig.door.close())
        got = await peer.read()
        rig.post.send(report(1))
        peer.acknowledge(got)
        await closing
        assert rig.post.pushes <= 1
        assert [letter.id for letter in rig.post.letters] == [1]

    play(tmp_path, story)


def test_our_own_reader_understands_our_reports(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        from doors_smpp.door_rig import pdu
        from tideng.gateway.wire.smpp import DeliverSm

        peer = await rig.bound()
        rig.post.send(report(1, "failed", error="045", at=NOON))
        got = await peer.read()
        ours = decode(pdu(got.command, got.sequence, got.body))
        assert isinstance(ours, DeliverSm)
        receipt = parse_receipt(ours)
        assert receipt is not None
        assert (receipt.message_id, receipt.error, receipt.final) == ("4711", "045", True)
        assert receipt.done_at == "2701150800"
        assert (await peer.ask(SUBMIT, b"")).status != OK

    play(tmp_path, story)
