"""Long messages: parts are durable before they are answered; the whole is reviewed once."""

import random
from pathlib import Path

import pytest

from doors_smpp.door_rig import OK, SUBMIT, SYSERR, Rig, pdu, play, refused, sent, submit_body, tlv, udh
from tideng.gateway.intake import NotRecorded, Outcome
from tideng.gateway.parts import Part, Whole
from tideng.text.concatenation import Concatenation

LONG = "您的包裹已到" * 30 + "😀" * 20


def parts_of(text: str, size: int = 134) -> list[bytes]:
    octets = text.encode("utf-16-be")
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def body(part: bytes, index: int, total: int, *, reference: int = 7, **fields: object) -> bytes:
    return submit_body(udh(reference, total, index) + part, esm_class=0x40, data_coding=8, **fields)  # type: ignore[arg-type]


async def send_all(peer: object, pieces: list[bytes], order: list[int], **fields: object) -> list[object]:
    return [await peer.ask(SUBMIT, body(pieces[n], n + 1, len(pieces), **fields)) for n in order]  # type: ignore[attr-defined]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_a_customer_of_window_one(tmp_path: Path, order: list[int]) -> None:
    async def story(rig: Rig) -> None:
        pieces = parts_of(LONG)
        assert len(pieces) == 4
        peer = await rig.bound()
        got = await send_all(peer, pieces, order)
        assert [g.status for g in got] == [OK] * 4  # type: ignore[attr-defined]
        ids = [int(g.text) for g in got]  # type: ignore[attr-defined]
        assert len(set(ids)) == 4
        (one,) = rig.desk.offered
        assert (one.id, one.part_ids) == (ids[-1], tuple(ids[:-1]))
        assert (one.text, one.fault, one.recipient) == (LONG, "", "13800138000")
        frames = {n: pdu(SUBMIT, 2 + at, body(pieces[n], n + 1, 4)) for at, n in enumerate(order)}
        assert one.raw == b"".join(frames[n] for n in range(4))
        await rig.until(lambda: rig.kept_parts() == 0)

    play(tmp_path, story)


def test_parts_by_sar_and_both_at_once(tmp_path: Path) -> None:
    def sar(index: int) -> bytes:
        return tlv(0x020C, b"\1\2") + tlv(0x020E, b"\2") + tlv(0x020F, bytes((index,)))

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        assert (await peer.submit(b"one ", more=sar(1))).status == OK
        assert (await peer.submit(b"two", more=sar(2))).status == OK
        # Both is forbidden (§5.2.12) and arrives: the header wins.
        for index, octets in ((1, b"left "), (2, b"right")):
            await peer.submit(udh(9, 2, index) + octets, esm_class=0x40, more=sar(1))
        assert [s.text for s in rig.desk.offered] == ["one two", "left right"]

    play(tmp_path, story)


def test_a_pair_cut_between_parts_heals(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        await send_all(peer, parts_of("a😀b", size=4), [0, 1])
        assert [s.text for s in rig.desk.offered] == ["a😀b"]

    play(tmp_path, story)


def test_parts_over_two_binds_and_of_two_recipients(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one, two = await rig.bound(), await rig.bound()
        pieces = parts_of("x" * 67 + "y" * 3)
        await one.ask(SUBMIT, body(pieces[0], 1, 2))
        await one.ask(SUBMIT, body(pieces[1], 2, 2, to="13900139000"))
        assert rig.desk.offered == []
        await two.ask(SUBMIT, body(pieces[1], 2, 2))
        assert [(s.recipient, s.text) for s in rig.desk.offered] == [("13800138000", "x" * 67 + "y" * 3)]

    play(tmp_path, story)


def test_the_last_part_hears_the_verdict(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.desk.decide = refused("DEBT_DEMAND")
        got = await send_all(peer, parts_of(LONG), [0, 1, 2, 3])
        assert [g.status for g in got] == [OK, OK, OK, 0x0406]  # type: ignore[attr-defined]

    play(tmp_path, story)


def test_a_part_sent_again_is_the_same_part(tmp_path: Path) -> None:
    """A customer that did not see the answer sends it again: it keeps its id, and no id is forgotten."""

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        pieces = parts_of("x" * 67 + "y" * 3)
        first = await peer.ask(SUBMIT, body(pieces[0], 1, 2))
        again = await peer.ask(SUBMIT, body(pieces[0], 1, 2))
        last = await peer.ask(SUBMIT, body(pieces[1], 2, 2))
        (one,) = rig.desk.offered
        told = {int(first.text), int(again.text)}
        assert one.id == int(last.text)
        assert told <= set(one.part_ids), "an id the customer was given would never be reported"

    play(tmp_path, story)


def test_a_part_with_other_octets_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        first = await peer.ask(SUBMIT, body("旧".encode("utf-16-be"), 1, 2))
        await peer.ask(SUBMIT, body("新".encode("utf-16-be"), 1, 2))
        await peer.ask(SUBMIT, body("的".encode("utf-16-be"), 2, 2))
        (one,) = rig.desk.offered
        assert one.text == "新的"
        assert int(first.text) in one.part_ids

    play(tmp_path, story)


def test_the_same_reference_for_two_messages_at_once(tmp_path: Path) -> None:
    """Libraries exist that give every long message the same reference. Nothing accepted may vanish."""

    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        for letter in "ab":
            for index in (1, 2):
                peer.send(SUBMIT, body((letter * 3).encode("utf-16-be"), index, 2))
        got = [await peer.read() for _ in range(4)]
        assert {g.status for g in got} == {OK}
        assert [s.text for s in rig.desk.offered] == ["aaaaaa", "bbbbbb"]

    play(tmp_path, story)


def test_the_same_message_again_while_the_first_is_being_recorded(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.desk.answers_at_once = False
        peer = await rig.bound()
        pieces = parts_of("x" * 67 + "y" * 3)
        await peer.ask(SUBMIT, body(pieces[0], 1, 2))
        peer.send(SUBMIT, body(pieces[1], 2, 2))
        await rig.until(lambda: len(rig.desk.later) == 1)
        # The answer is slow, the customer impatient: the last part once more. It completes nothing again.
        peer.send(SUBMIT, body(pieces[1], 2, 2))
        assert (await peer.read()).status == OK
        assert len(rig.desk.offered) == 1
        rig.desk.answer()
        assert (await peer.read()).status == OK

    play(tmp_path, story)


def test_not_recorded_then_sent_again(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.desk.decide = lambda s: NotRecorded("the disk is full")
        pieces = parts_of("x" * 67 + "y" * 3)
        got = await send_all(peer, pieces, [0, 1])
        assert [g.status for g in got] == [OK, SYSERR]  # type: ignore[attr-defined]
        rig.desk.decide = sent
        again = await peer.ask(SUBMIT, body(pieces[1], 2, 2))
        assert again.status == OK
        assert rig.desk.offered[-1].text == "x" * 67 + "y" * 3
        assert rig.desk.offered[-1].id == int(again.text)
        await rig.until(lambda: rig.kept_parts() == 0)

    play(tmp_path, story)


def test_parts_survive_a_restart(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        pieces = parts_of(LONG)
        peer = await rig.bound()
        before = await send_all(peer, pieces, [0, 1])
        await rig.restart()
        peer = await rig.bound()
        await send_all(peer, pieces, [2, 3])
        (one,) = rig.desk.offered
        assert one.text == LONG
        assert [int(g.text) for g in before] == list(one.part_ids[:2])  # type: ignore[attr-defined]

    play(tmp_path, story)


@pytest.mark.parametrize("was_recorded", [False, True])
def test_complete_at_a_restart(tmp_path: Path, was_recorded: bool) -> None:
    async def story(rig: Rig) -> None:
        rig.desk.answers_at_once = False
        peer = await rig.bound()
        pieces = parts_of("x" * 67 + "y" * 3)
        await peer.ask(SUBMIT, body(pieces[0], 1, 2))
        peer.send(SUBMIT, body(pieces[1], 2, 2))
        await rig.until(lambda: len(rig.desk.later) == 1)
        (first,) = rig.desk.offered
        await peer.close()
        rig.desk.answers_at_once = True
        if was_recorded:
            rig.inquiries.states["acme", first.id] = "queued"
        await rig.restart()
        offered = rig.desk.offered[1:]
        assert [(s.id, s.text) for s in offered] == ([] if was_recorded else [(first.id, first.text)])
        await rig.until(lambda: rig.kept_parts() == 0)

    play(tmp_path, story)


@pytest.mark.parametrize("came", [1, 2])
def test_incomplete_for_too_long(tmp_path: Path, came: int) -> None:
    async def story(rig: Rig) -> None:
        pieces = parts_of("x" * 150)
        assert len(pieces) == 3
        peer = await rig.bound()
        got = await send_all(peer, pieces, list(range(came)))
        rig.wall += 301_000_000
        rig.desk.decide = lambda s: Outcome(s.id, "refuse", ("TEXT_INCOMPLETE",), 1)
        await rig.restart()
        (one,) = rig.desk.offered
        assert (one.text, one.fault) == (None, f"incomplete: {came} of 3 parts came")
        # Intake reports a refusal where parts were accepted: every id given out must be among these.
        assert {int(g.text) for g in got} <= {one.id, *one.part_ids}  # type: ignore[attr-defined]
        assert one.part_ids, "its customer would never hear that the message was refused"
        await rig.until(lambda: rig.kept_parts() == 0)

    play(tmp_path, story)


def test_parts_of_a_person_who_was_erased_do_not_stop_the_start(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        pieces = parts_of("x" * 67 + "y" * 3)
        peer = await rig.bound()
        await peer.ask(SUBMIT, body(pieces[0], 1, 2))
        await peer.ask(SUBMIT, body(pieces[0], 1, 2, to="13900139000"))
        assert rig.store.keys.destroy(rig.store.subject("8613800138000"), rig.wall)
        await rig.restart()
        peer = await rig.bound()
        await peer.ask(SUBMIT, body(pieces[1], 2, 2, to="13900139000"))
        assert [s.recipient for s in rig.desk.offered] == ["13900139000"]

    play(tmp_path, story)


def test_nothing_personal_lies_open(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        await peer.ask(SUBMIT, body("您的验证码".encode("utf-16-be"), 1, 2))
        [(row)] = rig.store.reader.execute("SELECT * FROM fragment").fetchall()
        for column in row:
            octets = column if isinstance(column, bytes) else str(column).encode()
            assert b"13800138000" not in octets
            assert "验证码".encode() not in octets
            assert "验证码".encode("utf-16-be") not in octets

    play(tmp_path, story)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_comes_in_whatever_order_is_whole_once(tmp_path: Path, seed: int) -> None:
    """Messages one after another under one reference: parts shuffled, sent again, in batches of any size,
    verdicts late or lost. Each becomes whole once, with its own text, and accounts for every id given."""
    chance = random.Random(seed)

    async def story(rig: Rig) -> None:
        whole_of: dict[str, Whole] = {}
        given: dict[str, set[int]] = {}
        offers: list[Whole] = []

        def send(text: str, index: int, total: int) -> None:
            def took(message: int, whole: Whole | None) -> None:
                given.setdefault(text, set()).add(message)
                if whole is not None:
                    offers.append(whole)

            rig.parts.offer(kept_part(rig, text, index, total), took, lambda: pytest.fail("not kept"))

        for number in range(12):
            total = chance.randrange(2, 6)
            text = "".join(chr(0x4E00 + number * 8 + n) for n in range(total))
            order = chance.sample(range(1, total + 1), total)
            for place, index in enumerate(order):
                send(text, index, total)
                if chance.random() < 0.4:
                    send(text, chance.choice(order[: place + 1]), total)
                if chance.random() < 0.4:
                    await rig.until(lambda: rig.parts._offered == 0)
            if chance.random() < 0.3:
                continue  # the next message begins while this one is under way
            await rig.until(lambda: rig.parts._offered == 0)
            while offers:
                whole = offers.pop(0)
                if chance.random() < 0.3:
                    rig.parts.not_recorded(whole)
                    for index in chance.sample(range(1, whole.last.about.total + 1), whole.last.about.total):
                        send(str(whole.text), index, whole.last.about.total)
                    await rig.until(lambda: rig.parts._offered == 0)
                    continue
                assert whole.text not in whole_of
                whole_of[str(whole.text)] = whole
                await rig.parts.forget([whole])
        await rig.until(lambda: rig.parts._offered == 0)
        for whole in offers:
            assert whole.text not in whole_of
            whole_of[str(whole.text)] = whole
        await rig.parts.forget(offers)
        assert set(whole_of) == set(given)
        for text, whole in whole_of.items():
            assert given[text] == {whole.last.id, *whole.given}
            assert whole.last.id not in whole.given
        assert rig.kept_parts() == rig.parts._kept == 0
        assert not rig.parts._closed

    play(tmp_path, story)


def kept_part(rig: Rig, text: str, index: int, total: int) -> Part:
    return Part(
        id=rig.ids.next(),
        origin="customer:acme",
        sender="106900990003",
        recipient="8613800138000",
        about=Concatenation(reference=1, bits=8, total=total, index=index),
        octets=text[index - 1].encode("utf-16-be"),
        alphabet="ucs2",
        raw=bytes(32),
        received_at=rig.wall,
    )
