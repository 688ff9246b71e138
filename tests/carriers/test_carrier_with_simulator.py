"""Our carrier against our simulated carrier, over real sockets, in every mode."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from carriers.traffic import WAIT_S, Traffic, cleared
from tideng.gateway.carriers.outcomes import Outcome
from tideng.gateway.carriers.routes import ErrorClass
from tideng.gateway.carriers.simulator import SimulatedCarrier
from tideng.gateway.carriers.simulator_settings import Behaviour, IdStyle, SimulatorSettings
from tideng.gateway.wire.smpp import Status
from tideng.gateway.wire.smpp.receipts import ReceiptState

Story = Callable[[SimulatedCarrier, Traffic], Awaitable[None]]
LONG = "The water will be turned off on Tuesday. " * 12
CHINESE = "【提灯】您好,停水通知😀。" * 20


def play(story: Story, *, simulator: dict[str, object] | None = None, **carrier: object) -> None:
    """Start both, play, close both."""

    async def run() -> None:
        centre = SimulatedCarrier(SimulatorSettings(port=0, **(simulator or {})))  # type: ignore[arg-type]
        await centre.start()
        try:
            async with Traffic(centre.port, **carrier) as traffic:  # type: ignore[arg-type]
                await story(centre, traffic)
        finally:
            await centre.close()

    asyncio.run(run())


def test_accepted_delivered_reported() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(id) for id in range(1, 301)])
        assert traffic.texts() == ["accepted"] * 300
        ids = [handover.accepted[1] for handover in traffic.results]
        assert len(set(ids)) == 300
        await traffic.until(lambda: len(traffic.reports) == 300)
        assert sorted(report.carrier_id for report in traffic.reports) == sorted(ids)
        assert {report.state for report in traffic.reports} == {ReceiptState.DELIVERED}
        await centre.until(lambda: centre.counts.acknowledged == 300, timeout_s=WAIT_S)
        assert [received.text for received in centre.received] == ["hello"] * 300
        assert centre.counts.submitted == 300

    play(story)


@pytest.mark.parametrize("text", [LONG, CHINESE])
@pytest.mark.parametrize("method", ["udh", "sar", "payload"])
@pytest.mark.parametrize("bits", [8, 16])
def test_long_texts_arrive_whole(text: str, method: str, bits: int) -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(7, text)])
        (handover,) = traffic.results
        assert handover.outcome is Outcome.ACCEPTED
        assert sorted(handover.accepted) == list(range(1, handover.total_parts + 1))
        assert [received.text for received in centre.received] == [text]
        await traffic.until(lambda: len(traffic.reports) == handover.total_parts)

    play(story, long_messages=method, reference_bits=bits)


def test_sar_becomes_udh_where_the_carrier_takes_no_tlvs() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(7, LONG)])
        assert traffic.texts() == ["accepted"]
        assert [(received.text, received.esm_class) for received in centre.received] == [(LONG, 0x40)]

    play(story, simulator={"interface_version": 0}, long_messages="sar")


def test_missing_parts_join_with_those_accepted_before() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        message = cleared(9, LONG)
        await traffic.send_all([message])
        ids = traffic.results[0].accepted
        before = centre.counts.submitted
        traffic.send(message, accepted={1: ids[1], 2: ids[2]}, attempt=2)
        await traffic.until(lambda: len(traffic.results) == 2)
        again = traffic.results[1]
        assert again.outcome is Outcome.ACCEPTED
        assert again.attempt == 2
        assert (again.accepted[1], again.accepted[2]) == (ids[1], ids[2])
        assert centre.counts.submitted - before == again.total_parts - 2
        traffic.send(message, accepted=ids)
        await traffic.until(lambda: len(traffic.results) == 3)
        assert traffic.results[2].outcome is Outcome.ACCEPTED
        assert centre.counts.submitted == 2 * again.total_parts - 2, "nothing was missing, nothing is sent"

    play(story)


@pytest.mark.parametrize("style", ["decimal", "hex", "hex_upper", "zero_padded"])
@pytest.mark.parametrize("by_data_sm", [False, True])
def test_ids_are_passed_on_as_the_carrier_writes_them(style: IdStyle, by_data_sm: bool) -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1)])
        await traffic.until(lambda: bool(traffic.reports))
        base = 16 if style.startswith("hex") else 10
        assert int(traffic.reports[0].carrier_id, base) == int(traffic.results[0].accepted[1])
        assert traffic.reports[0].carrier == "k1"
        assert len(traffic.reports[0].raw) == int.from_bytes(traffic.reports[0].raw[:4], "big")

    play(story, simulator={"report_id_style": style, "reports_by_data_sm": by_data_sm, "report_tlvs": False})


def test_report_before_the_answer() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.hold_answers()
        traffic.send(cleared(1))
        await traffic.until(lambda: bool(traffic.reports))
        assert not traffic.results
        centre.release_answers()
        await traffic.until(lambda: bool(traffic.results))
        assert traffic.results[0].accepted == {1: traffic.reports[0].carrier_id}

    play(story, simulator={"behaviour": Behaviour.BEFORE})


def test_behaviour_by_suffix() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(i, recipient=f"861380000000{i}") for i in range(1, 5)])
        outcomes = {handover.message: handover.outcome for handover in traffic.results}
        assert outcomes == {
            1: Outcome.ACCEPTED,
            2: Outcome.ACCEPTED,
            3: Outcome.REFUSED,
            4: Outcome.ACCEPTED,
        }
        refused = next(handover for handover in traffic.results if handover.message == 3)
        assert (refused.status, refused.error) == (Status.ESME_RINVDSTADR, ErrorClass.PERMANENT)
        await traffic.until(lambda: len(traffic.reports) == 2)
        assert {report.state for report in traffic.reports} == {
            ReceiptState.DELIVERED,
            ReceiptState.UNDELIVERABLE,
        }

    suffixes = {"2": Behaviour.FAILING, "3": Behaviour.REFUSED, "4": Behaviour.MISSING}
    play(story, simulator={"by_suffix": suffixes})


def test_shares_are_the_same_for_the_same_seed() -> None:
    def outcomes() -> list[str]:
        seen: list[str] = []

        async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
            await traffic.send_all([cleared(id) for id in range(1, 101)])
            seen.extend(h.outcome.value for h in sorted(traffic.results, key=lambda h: h.message))

        play(story, simulator={"shares": {Behaviour.REFUSED: 0.3}})
        return seen

    first = outcomes()
    assert 15 < first.count("refused") < 45
    assert outcomes() == first


def test_delayed_report() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1)])
        assert not traffic.reports
        await traffic.until(lambda: bool(traffic.reports))

    play(story, simulator={"behaviour": Behaviour.DELAYED, "report_delay_s": 0.05})


def test_the_window_is_never_exceeded() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.hold_answers()
        for id in range(1, 11):
            assert traffic.carrier.free == 11 - id
            traffic.send(cleared(id))
        assert traffic.carrier.free == 0
        traffic.send(cleared(11))
        await traffic.until(lambda: len(traffic.results) == 1)
        assert (traffic.results[0].message, traffic.results[0].outcome) == (11, Outcome.BUSY)
        assert traffic.results[0].error is ErrorClass.LINK
        await centre.until(lambda: centre.counts.submitted == 10, timeout_s=WAIT_S)
        centre.release_answers()
        await traffic.send_all([cleared(id) for id in range(20, 220)])
        assert centre.counts.unanswered_max == 10

    play(story, window=10)


def test_a_text_of_more_parts_than_the_window() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(1, LONG)])
        assert traffic.texts() == ["accepted"]
        assert centre.counts.unanswered_max <= 2
        assert [received.text for received in centre.received] == [LONG]

    play(story, window=2)


def test_lost_mid_window_is_unknown_and_counted_once() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.hold_answers()
        for id in range(1, 8):
            traffic.send(cleared(id))
        await centre.until(lambda: centre.counts.submitted == 7, timeout_s=WAIT_S)
        centre.disconnect()
        await traffic.until(lambda: len(traffic.results) == 7)
        assert sorted(h.message for h in traffic.results) == list(range(1, 8))
        assert {(h.outcome, h.unknown, h.error) for h in traffic.results} == {
            (Outcome.UNKNOWN, (1,), ErrorClass.UNKNOWN)
        }
        centre.release_answers()
        await traffic.until(lambda: traffic.carrier.is_bound)
        await traffic.send_all([cleared(100)])
        assert traffic.results[-1].outcome is Outcome.ACCEPTED
        assert len(traffic.results) == 8

    play(story, window=10)


def test_lost_before_the_write_is_not_sent() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        for id in range(1, 4):
            traffic.send(cleared(id))
        # Same turn of the event loop: nothing has been written yet.
        for link in traffic.carrier._links:
            link.drop("test")
        await traffic.until(lambda: len(traffic.results) == 3)
        assert {(h.outcome, h.unknown, h.error) for h in traffic.results} == {
            (Outcome.NOT_SENT, (), ErrorClass.LINK)
        }
        assert centre.counts.submitted == 0

    play(story)


def test_lost_within_a_long_message_names_the_parts_that_may_have_gone() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.hold_answers()
        traffic.send(cleared(1, LONG))
        await centre.until(lambda: centre.counts.submitted == 2, timeout_s=WAIT_S)
        centre.disconnect()
        await traffic.until(lambda: len(traffic.results) == 1)
        (handover,) = traffic.results
        assert (handover.outcome, handover.unknown, handover.accepted) == (Outcome.UNKNOWN, (1, 2), {})
        assert handover.total_parts > 2

    play(story, window=2)


def test_disconnects_every_so_often_lose_and_double_nothing() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        open_ids, accepted, tries = set(range(1, 201)), set(), 0
        while open_ids:
            tries += 1
            assert tries < 100
            batch = sorted(open_ids)[:40]
            await traffic.send_all([cleared(id) for id in batch])
            for handover in traffic.results[-len(batch) :]:
                if handover.outcome is Outcome.ACCEPTED:
                    assert handover.message not in accepted
                    accepted.add(handover.message)
                    open_ids.remove(handover.message)
                else:
                    assert handover.outcome in (Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.BUSY)
        assert accepted == set(range(1, 201))
        assert centre.counts.binds > 3

    play(story, simulator={"disconnect_every": 50}, window=20)


def test_an_answer_that_never_comes_is_unknown() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        traffic.send(cleared(1, recipient="8613800000009"))
        traffic.send(cleared(2))
        await traffic.until(lambda: len(traffic.results) == 2)
        assert [(h.message, h.outcome) for h in traffic.results] == [
            (2, Outcome.ACCEPTED),
            (1, Outcome.UNKNOWN),
        ]
        assert traffic.carrier.is_bound

    play(story, simulator={"by_suffix": {"9": Behaviour.SILENT}}, response_timeout_s=0.2)


def test_a_late_answer_is_not_taken_for_a_new_one() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.hold_answers()
        traffic.send(cleared(1))
        await traffic.until(lambda: len(traffic.results) == 1)
        centre.release_answers()
        await traffic.send_all([cleared(2)])
        assert [(h.message, h.outcome) for h in traffic.results] == [
            (1, Outcome.UNKNOWN),
            (2, Outcome.ACCEPTED),
        ]
        assert traffic.carrier.state.links[0].late_answers == 1

    play(story, response_timeout_s=0.2)


@pytest.mark.parametrize("status", [Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL])
def test_throttling_slows_down_and_loses_nothing(status: Status) -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(id) for id in range(1, 201)])
        assert traffic.texts() == ["accepted"] * 200
        assert centre.counts.accepted == 200
        assert centre.counts.throttled == traffic.carrier.state.throttled > 0
        assert centre.counts.throttled < 100, "the rate did not adapt"
        assert 0 < traffic.carrier.state.rate_limit_per_s < 2000

    play(story, simulator={"throughput_per_s": 200, "throttle_status": status}, window=20)


def test_throttled_for_too_long_goes_back() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(id) for id in range(1, 4)])
        busy = [handover for handover in traffic.results if handover.outcome is Outcome.BUSY]
        assert busy
        assert {(h.status, h.error) for h in busy} == {(Status.ESME_RTHROTTLED, ErrorClass.THROTTLE)}
        assert all(handover.retry_after_s > 0 for handover in busy)

    play(story, simulator={"throughput_per_s": 0.1}, throttled_max_s=0.0)


def test_own_throughput_is_kept() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await traffic.send_all([cleared(id) for id in range(1, 101)])
        assert loop.time() - began >= 0.35, "100 messages at 200/s with 20 saved up take at least 0.4 s"
        assert centre.counts.accepted == 100

    play(story, throughput_per_s=200)


def test_pair_of_binds_and_reports_on_the_other() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        assert centre.bound == 4
        await traffic.send_all([cleared(id) for id in range(1, 51)])
        await traffic.until(lambda: len(traffic.reports) == 50)
        assert traffic.texts() == ["accepted"] * 50

    play(story, bind="pair", links=2)


def test_a_report_not_taken_comes_again() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        traffic.ack = False
        await traffic.send_all([cleared(1)])
        await traffic.until(lambda: len(traffic.reports) == 1)
        await centre.until(lambda: centre.counts.turned_away == 1, timeout_s=WAIT_S)
        traffic.ack = True
        await traffic.until(lambda: len(traffic.reports) == 2)
        await centre.until(lambda: centre.counts.acknowledged == 1, timeout_s=WAIT_S)
        assert traffic.reports[0].raw != b""
        traffic.reports[0].ack(True)  # a second time: no second answer
        assert centre.counts.acknowledged == 1

    play(story, simulator={"redeliver_s": 0.05})


def test_unacknowledged_reports_are_bounded_and_acknowledged_only_by_us() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        await traffic.send_all([cleared(id) for id in range(1, 13)])
        await traffic.until(lambda: len(traffic.reports) == 4)
        assert traffic.carrier.state.links[0].unacked == 4
        assert centre.counts.acknowledged == 0
        for done in range(12):
            await traffic.until(partial(lambda done: len(traffic.reports) > done, done))
            assert len(traffic.reports) - done <= 4
            traffic.reports[done].ack(True)
        await centre.until(lambda: centre.counts.acknowledged == 12, timeout_s=WAIT_S)
        assert len({report.carrier_id for report in traffic.reports}) == 12

    play(story, ack=None, unacked_max=4)


def test_reply_from_a_phone() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        with pytest.raises(ValueError, match="nobody has written"):
            centre.reply("8613800000000", "T")
        await traffic.send_all([cleared(1)])
        centre.reply("8613800000000", "T")
        await traffic.until(lambda: len(traffic.inbound) == 1)
        (reply,) = traffic.inbound
        assert (reply.sender, reply.destination, reply.octets) == ("8613800000000", "10690001", b"T")
        assert reply.concatenation is None
        await centre.until(lambda: centre.counts.acknowledged == 2, timeout_s=WAIT_S)

    play(story)


def test_long_reply_comes_in_parts() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.reply("8613800000000", CHINESE, to="10690001")
        await traffic.until(lambda: len(traffic.inbound) >= 2)
        about = traffic.inbound[0].concatenation
        assert about is not None
        await traffic.until(lambda: len(traffic.inbound) == about.total)
        parts = {i.concatenation.index: i.octets for i in traffic.inbound if i.concatenation is not None}
        assert b"".join(parts[index] for index in sorted(parts)).decode("utf-16-be") == CHINESE

    play(story)


def test_close_waits_for_answers_then_unbinds() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.hold_answers()
        for id in range(1, 6):
            traffic.send(cleared(id))
        await centre.until(lambda: centre.counts.submitted == 5, timeout_s=WAIT_S)
        closing = asyncio.ensure_future(traffic.carrier.close())
        await asyncio.sleep(0)
        assert traffic.carrier.free == 0
        centre.release_answers()
        await closing
        assert traffic.texts() == ["accepted"] * 5
        assert traffic.carrier.state.links[0].last_error == "unbound"

    play(story)


def test_close_does_not_wait_for_ever() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        centre.hold_answers()
        traffic.send(cleared(1))
        await centre.until(lambda: centre.counts.submitted == 1, timeout_s=WAIT_S)
        await traffic.carrier.close()
        assert traffic.texts() == ["unknown"]
        traffic.send(cleared(2))
        await traffic.until(lambda: len(traffic.results) == 2)
        assert traffic.texts()[1] == "not_sent"

    play(story, close_timeout_s=0.1)


def test_what_cannot_be_sent_is_refused_without_being_written() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        traffic.send(cleared(1, LONG * 20))
        traffic.send(cleared(2, recipient="8" * 30))
        await traffic.until(lambda: len(traffic.results) == 2)
        assert traffic.texts() == ["refused", "refused"]
        assert all("8888" not in h.reason and "water" not in h.reason for h in traffic.results)
        assert centre.counts.submitted == 0
        await traffic.send_all([cleared(3)])
        assert traffic.texts()[-1] == "accepted"

    play(story)


def test_no_link_is_busy_and_tells_when() -> None:
    async def run() -> None:
        traffic = Traffic(1)
        traffic.carrier.start()
        traffic.send(cleared(1), accepted={1: "x"}, attempt=3)
        await traffic.until(lambda: len(traffic.results) == 1)
        (handover,) = traffic.results
        assert (handover.outcome, handover.error, handover.attempt) == (Outcome.BUSY, ErrorClass.LINK, 3)
        assert handover.accepted == {1: "x"}
        assert handover.retry_after_s > 0
        assert traffic.carrier.free == 0
        await traffic.carrier.close()

    asyncio.run(run())


def test_a_refused_bind_is_shown_and_not_hammered() -> None:
    async def run() -> None:
        centre = SimulatedCarrier(SimulatorSettings(port=0, password="right"))
        await centre.start()
        traffic = Traffic(centre.port, password="wrong", reconnect_max_s=60.0)
        traffic.carrier.start()
        await centre.until(lambda: centre.counts.binds_refused == 1 and not centre.bound, timeout_s=WAIT_S)
        await centre.until(lambda: not centre._centre.connections, timeout_s=WAIT_S)
        assert "ESME_RINVPASWD" in traffic.carrier.state.last_error
        assert traffic.carrier._links[0]._next_wait() >= 30.0
        await traffic.carrier.close()
        await centre.close()

    asyncio.run(run())


def test_the_simulator_is_bounded() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", centre.port)
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b"", "one connection too many"
        writer.close()
        await traffic.send_all([cleared(id) for id in range(1, 11)])
        assert centre.counts.dropped == 7, "three delayed reports may wait, the others are given up"
        assert len(centre.received) == 5

    limits = {"connections_max": 1, "pending_max": 3, "received_max": 5, "report_delay_s": 60.0}
    play(story, simulator={"behaviour": Behaviour.DELAYED, **limits})


def test_only_a_cleared_message_can_be_sent() -> None:
    async def story(centre: SimulatedCarrier, traffic: Traffic) -> None:
        with pytest.raises(AttributeError):
            traffic.carrier.send(cleared(1).outbound, traffic.on_result)  # type: ignore[arg-type]
        assert centre.counts.submitted == 0

    play(story)
