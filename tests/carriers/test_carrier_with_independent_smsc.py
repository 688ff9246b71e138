"""Our carrier against a message centre that shares no code with ours."""

import asyncio
import struct
from collections.abc import Awaitable, Callable

from carriers.independent_smsc import DELIVER, ENQUIRE, RESP, SUBMIT, UNBIND, IndependentSmsc, Submit, pdu
from carriers.traffic import Traffic, cleared
from tideng.gateway.carriers.outcomes import Outcome
from tideng.gateway.carriers.routes import ErrorClass
from tideng.gateway.wire.smpp.receipts import ReceiptState

Story = Callable[[IndependentSmsc, Traffic], Awaitable[None]]
RECEIPT = b"id:A1 sub:001 dlvrd:001 submit date:2611240101 done date:2611240101 stat:DELIVRD err:000 text:"


def play(
    story: Story,
    *,
    answer: Callable[[IndependentSmsc, Submit], bytes | None] = IndependentSmsc.ok,
    bind_tlvs: bytes | None = None,
    **carrier: object,
) -> None:
    async def run() -> None:
        async with IndependentSmsc(answer) as smsc:
            if bind_tlvs is not None:
                smsc.bind_resp_tlvs = bind_tlvs
            async with Traffic(smsc.port, **carrier) as traffic:  # type: ignore[arg-type]
                await story(smsc, traffic)

    asyncio.run(run())


def test_fields_on_the_wire() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        assert smsc.binds == [b"tideng\0secret\0\0\x34\0\0\0"]
        message = cleared(5, "您好", valid_until=1_800_000_000_000_000)
        await traffic.send_all([message])
        (submit,) = smsc.submits
        assert (submit.source, submit.destination) == ("10690001", "8613800000000")
        assert (submit.source_ton, submit.source_npi, submit.dest_ton, submit.dest_npi) == (3, 0, 1, 1)
        assert (submit.data_coding, submit.octets) == (8, "您好".encode("utf-16-be"))
        assert (submit.esm_class, submit.registered_delivery) == (0, 1)
        assert submit.validity.startswith("270115080000")
        assert submit.tlvs == b""
        assert traffic.results[0].accepted == {1: "a1"}

    play(story, password="secret", source_ton=3)


def test_parts_have_headers_within_limits_and_one_reference() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1234, "x" * 400)])
        assert [len(s.octets) for s in smsc.submits] == [159, 159, 6 + 400 - 306]
        assert {s.esm_class for s in smsc.submits} == {0x40}
        assert [s.octets[:6] for s in smsc.submits] == [bytes((5, 0, 3, 1234 % 251, 3, i)) for i in (1, 2, 3)]

    play(story)


# 66 units, then an emoji whose halves are the 67th and 68th; and a family of seven units across the next cut.
MIXED = "您" * 66 + "😀" + "好" * 62 + "👨‍👩‍👧" + "完" * 20


def test_chinese_and_emoji_in_parts_each_whole_characters() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(7, "您好😀"), cleared(8, MIXED)])
        assert (smsc.submits[0].data_coding, smsc.submits[0].octets) == (8, "您好😀".encode("utf-16-be"))
        pieces = [s.octets[6:].decode("utf-16-be") for s in smsc.submits[1:]]  # raises on half a character
        assert "".join(pieces) == MIXED
        assert pieces[0] == "您" * 66
        assert all("👨‍👩‍👧" in piece or "👨" not in piece for piece in pieces)
        assert {s.data_coding for s in smsc.submits} == {8}
        assert max(len(s.octets) for s in smsc.submits) <= 140

    play(story)


def test_gsm_escapes_are_not_cut() -> None:
    text = "x" * 152 + "€" * 100

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(8, text)])
        bodies = [s.octets[6:] for s in smsc.submits]
        assert [body[-1] == 0x1B for body in bodies] == [False] * len(bodies)
        assert b"".join(bodies) == b"x" * 152 + b"\x1b\x65" * 100

    play(story)


def test_a_long_message_in_one_payload() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(8, MIXED)])
        (submit,) = smsc.submits
        octets = MIXED.encode("utf-16-be")
        assert (submit.octets, submit.esm_class) == (b"", 0)
        assert submit.tlvs == struct.pack(">HH", 0x0424, len(octets)) + octets

    play(story, long_messages="payload")


def test_a_long_message_by_sar() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(8, MIXED)])
        total = len(smsc.submits)
        assert "".join(s.octets.decode("utf-16-be") for s in smsc.submits) == MIXED
        assert {s.esm_class for s in smsc.submits} == {0}
        places = []
        for submit in smsc.submits:
            tlvs, octets = {}, submit.tlvs
            while octets:
                tag, length = struct.unpack(">HH", octets[:4])
                tlvs[tag], octets = octets[4 : 4 + length], octets[4 + length :]
            assert set(tlvs) == {0x020C, 0x020E, 0x020F}
            places.append((tlvs[0x020C], tlvs[0x020E][0], tlvs[0x020F][0]))
        assert [(of, place) for _, of, place in places] == [(total, n + 1) for n in range(total)]
        assert len({reference for reference, _, _ in places}) == 1

    play(story, long_messages="sar")


def test_a_report_for_each_part_of_a_long_message() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(8, MIXED)])
        (handover,) = traffic.results
        ids = [f"{0xA1 + n:x}" for n in range(len(smsc.submits))]
        assert list(handover.accepted.values()) == ids
        for number, one in enumerate(ids):
            tlvs = struct.pack(">HH", 0x001E, len(one) + 1) + one.encode() + b"\0"
            tlvs += struct.pack(">HHB", 0x0427, 1, 2)
            text = RECEIPT.replace(b"A1", one.encode())
            smsc.send(smsc.deliver(100 + number, text, esm_class=0x04, tlvs=tlvs))
        await traffic.until(lambda: len(traffic.reports) == len(ids))
        assert [r.carrier_id for r in traffic.reports] == ids
        assert {r.state for r in traffic.reports} == {ReceiptState.DELIVERED}
        await smsc.until(lambda: len(smsc.answers) == len(ids))
        assert {status for _, status, _, _ in smsc.answers} == {0}

    play(story)


def test_receipts_that_are_none_and_a_good_one_after_them() -> None:
    """Each is answered; none is taken for a final report; none holds up the next."""
    odd = [
        b"", b"id:", b"id:A1", b"stat:", b"\xff\xfe\x00", b"your message was delivered", b"id:" + b"9" * 240,
        b"id:A1 stat:\xc3\x28 err:", b"id:A1 submit date:never done date:now stat:SOON err:nul Text:",
    ]  # fmt: skip
    bent = [struct.pack(">HH", 0x001E, 0), struct.pack(">HHB", 0x0427, 1, 250), struct.pack(">HH", 0x0427, 0)]

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        number = 0
        for number, octets in enumerate(odd, 1):
            smsc.send(smsc.deliver(number, octets, esm_class=0x04))
        for tlvs in bent:
            number += 1
            smsc.send(smsc.deliver(number, b"id:A1", esm_class=0x04, tlvs=tlvs))
        smsc.send(smsc.deliver(number + 1, RECEIPT, esm_class=0x04))
        await smsc.until(lambda: len(smsc.answers) == number + 1)
        assert sorted(sequence for _, _, sequence, _ in smsc.answers) == list(range(1, number + 2))
        final = [r for r in traffic.reports if r.final and r.state is ReceiptState.DELIVERED]
        assert [r.carrier_id for r in final] == ["A1"]
        assert len(smsc.binds) == 1

    play(story)


def test_no_report_asked_none_requested() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1, registered_delivery=0), cleared(2, registered_delivery=2)])
        assert [s.registered_delivery for s in smsc.submits] == [0, 1]

    play(story)


def test_answers_out_of_order_meet_their_messages() -> None:
    kept: list[Submit] = []

    def answer(smsc: IndependentSmsc, submit: Submit) -> bytes | None:
        kept.append(submit)
        if len(kept) < 5:
            return None
        return b"".join(pdu(SUBMIT | RESP, 0, s.sequence, s.octets + b"\0") for s in reversed(kept))

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(id, f"m{id}") for id in range(1, 6)])
        assert {h.message: h.accepted[1] for h in traffic.results} == {id: f"m{id}" for id in range(1, 6)}

    play(story, answer=answer)


def test_refusals_with_and_without_a_body() -> None:
    def answer(smsc: IndependentSmsc, submit: Submit) -> bytes:
        if submit.octets == b"nack":
            return pdu(RESP, 0x03, submit.sequence)
        status = {b"temporary": 0x08, b"permanent": 0x0B, b"vendor": 0x0499}[submit.octets]
        return pdu(SUBMIT | RESP, status, submit.sequence, b"" if submit.octets == b"permanent" else b"\0")

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        words = ["temporary", "permanent", "vendor", "nack"]
        await traffic.send_all([cleared(id, word) for id, word in enumerate(words, 1)])
        seen = {h.message: (h.outcome, h.status, h.error) for h in traffic.results}
        assert seen == {
            1: (Outcome.BUSY, 0x08, ErrorClass.TEMPORARY),
            2: (Outcome.REFUSED, 0x0B, ErrorClass.PERMANENT),
            3: (Outcome.REFUSED, 0x0499, ErrorClass.PERMANENT),
            4: (Outcome.REFUSED, 0x03, ErrorClass.PERMANENT),
        }

    play(story, answer=answer)


def test_one_part_refused_refuses_the_message_and_withdraws_the_rest() -> None:
    def answer(smsc: IndependentSmsc, submit: Submit) -> bytes:
        return smsc.ok(submit) if len(smsc.submits) == 1 else pdu(SUBMIT | RESP, 0x0B, submit.sequence)

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1, "x" * 1000)])
        (handover,) = traffic.results
        assert (handover.outcome, handover.status) == (Outcome.REFUSED, 0x0B)
        assert handover.accepted == {1: "a1"}
        assert handover.total_parts == 7
        assert len(smsc.submits) == 2

    play(story, answer=answer, window=1)


def test_throttled_part_is_sent_again_by_itself() -> None:
    def answer(smsc: IndependentSmsc, submit: Submit) -> bytes:
        return pdu(SUBMIT | RESP, 0x58, submit.sequence) if len(smsc.submits) == 1 else smsc.ok(submit)

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1)])
        assert traffic.texts() == ["accepted"]
        assert len(smsc.submits) == 2
        assert smsc.submits[0].octets == smsc.submits[1].octets

    play(story, answer=answer)


def test_report_is_acknowledged_only_after_us() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        smsc.send(smsc.deliver(77, RECEIPT, esm_class=0x04) + pdu(ENQUIRE, 0, 78))
        await traffic.until(lambda: len(traffic.reports) == 1)
        await smsc.until(lambda: len(smsc.answers) == 1)
        assert smsc.answers[0][:3] == (ENQUIRE | RESP, 0, 78), "the link is answered, the report is not"
        (report,) = traffic.reports
        assert (report.carrier_id, report.state, report.final) == ("A1", ReceiptState.DELIVERED, True)
        report.ack(True)
        report.ack(False)
        await smsc.until(lambda: len(smsc.answers) == 2)
        assert smsc.answers[1] == (DELIVER | RESP, 0, 77, b"\0")

    play(story, ack=None)


def test_a_report_we_could_not_keep_is_asked_for_again() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        smsc.send(smsc.deliver(1, RECEIPT, esm_class=0x04))
        await smsc.until(lambda: len(smsc.answers) == 1)
        assert smsc.answers[0][:3] == (DELIVER | RESP, 0x64, 1)

    play(story, ack=False)


def test_one_read_gives_one_list_each() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        receipts = b"".join(smsc.deliver(n, RECEIPT, esm_class=0x04) for n in range(1, 51))
        replies = b"".join(smsc.deliver(n, b"T") for n in range(51, 61))
        smsc.send(receipts + replies)
        await traffic.until(lambda: len(traffic.reports) == 50 and len(traffic.inbound) == 10)
        # 60 PDUs of some 8 kB arrive in one or very few reads, never one by one.
        assert traffic.calls <= 8
        assert [i.octets for i in traffic.inbound] == [b"T"] * 10
        await smsc.until(lambda: len(smsc.answers) == 60)

    play(story)


def test_parts_of_replies_by_udh_sar_and_broken_header() -> None:
    sar = struct.pack(">HHHHHBHHB", 0x020C, 2, 0x1234, 0x020E, 1, 2, 0x020F, 1, 1)

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        udh = bytes((5, 0, 3, 9, 2, 1)) + b"part"
        smsc.send(smsc.deliver(1, udh, esm_class=0x40))
        smsc.send(smsc.deliver(2, b"part", tlvs=sar))
        smsc.send(smsc.deliver(3, udh, esm_class=0x40, tlvs=sar))
        smsc.send(smsc.deliver(4, bytes((200, 0, 3)), esm_class=0x40))
        await traffic.until(lambda: len(traffic.inbound) == 4)
        seen = [
            (i.octets, (c.reference, c.total, c.index) if (c := i.concatenation) is not None else None)
            for i in traffic.inbound
        ]
        assert seen == [
            (b"part", (9, 2, 1)),
            (b"part", (0x1234, 2, 1)),
            (b"part", (9, 2, 1)),
            (bytes((200, 0, 3)), None),
        ]
        assert [bool(i.fault) for i in traffic.inbound] == [False, False, False, True]

    play(story)


def test_carrier_unbinds_while_an_answer_is_due() -> None:
    def silent(smsc: IndependentSmsc, submit: Submit) -> None:
        return None

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        traffic.send(cleared(1))
        await smsc.until(lambda: len(smsc.submits) == 1)
        smsc.send(pdu(UNBIND, 0, 900) + pdu(ENQUIRE, 0, 901))
        await smsc.until(lambda: bool(smsc.answers))
        assert smsc.answers[0][:3] == (ENQUIRE | RESP, 0, 901), "unbind is not answered before the submit is"
        assert traffic.carrier.free == 0
        smsc.send(smsc.ok(smsc.submits[0]))
        await traffic.until(lambda: bool(traffic.results))
        assert traffic.texts() == ["accepted"]
        await smsc.until(lambda: (UNBIND | RESP, 0, 900, b"") in smsc.answers)
        await smsc.until(lambda: len(smsc.binds) == 2)

    play(story, answer=silent)


def test_garbage_ends_the_link_and_the_next_one_works() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        smsc.send(struct.pack(">IIII", 5, 1, 2, 3))
        await smsc.until(lambda: len(smsc.binds) == 2)
        await traffic.until(lambda: traffic.carrier.is_bound)
        await traffic.send_all([cleared(1)])
        assert traffic.texts() == ["accepted"]

    play(story)


def test_a_carrier_that_says_nothing_is_noticed() -> None:
    def silent(smsc: IndependentSmsc, submit: Submit) -> None:
        smsc.answer = IndependentSmsc.ok

    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        traffic.send(cleared(1))
        await traffic.until(lambda: len(traffic.results) == 1)
        assert traffic.texts() == ["unknown"]

    play(story, answer=silent, response_timeout_s=0.2, enquire_link_s=0.1)


def test_little_endian_carrier() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1, "您好"), cleared(2, "您" * 100)])
        assert smsc.submits[0].octets == "您好".encode("utf-16-le")
        joined = b"".join(s.octets[6:] for s in smsc.submits[1:])
        assert joined == ("您" * 100).encode("utf-16-le")
        assert smsc.submits[1].octets[0] == 5, "the header is octets, not UTF-16"
        smsc.send(smsc.deliver(1, "退订".encode("utf-16-le"), coding=8))
        await traffic.until(lambda: len(traffic.inbound) == 1)
        assert traffic.inbound[0].octets == "退订".encode("utf-16-be")

    play(story, ucs2_byte_order="little")


def test_latin1_carrier() -> None:
    async def story(smsc: IndependentSmsc, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1, "Größe"), cleared(2, "您好"), cleared(3, "x", flash=True)])
        assert [(s.data_coding, s.octets) for s in smsc.submits] == [
            (0, "Größe".encode("latin-1")),
            (8, "您好".encode("utf-16-be")),
            (0x10, b"x"),
        ]

    play(story, default_alphabet="latin1")
