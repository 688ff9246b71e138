"""Who may bind, how often, from where, and how long one may try."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import structs

from doors_smpp.door_rig import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    ENQUIRE,
    OK,
    PASSWORD,
    RESP,
    SUBMIT,
    UNBIND,
    Rig,
    bind_body,
    customer,
    play,
    submit_body,
    tlvs,
)
from tideng.gateway.registry.passwords import hash_password

BIND_FAILED, WRONG_PASSWORD, ALREADY, WRONG_STATE = 0x0D, 0x0E, 0x05, 0x04


@pytest.mark.parametrize("command", [BIND_RX, BIND_TX, BIND_TRX])
def test_every_kind_of_bind(tmp_path: Path, command: int) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.connect()
        got = await peer.bind(command)
        assert (got.status, got.text) == (OK, "tideng")
        assert tlvs(got.body[len("tideng\0") :]) == {0x0210: b"\x34"}
        assert len(rig.post.sinks) == (command != BIND_TX)
        assert (await peer.ask(ENQUIRE)).status == OK
        assert (await peer.ask(UNBIND)).status == OK
        assert await peer.ended()
        await rig.until(lambda: rig.door.connections == 0)
        assert rig.post.sinks == []

    play(tmp_path, story)


def test_an_old_peer_is_sent_no_tlvs(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        got = await (await rig.connect()).bind(version=0x33)
        assert (got.status, got.body) == (OK, b"tideng\0")

    play(tmp_path, story)


@pytest.mark.parametrize("who", [{"password": "wrong123"}, {"system_id": "nobody"}, {"password": ""}])
def test_unknown_and_wrong_look_the_same(tmp_path: Path, who: dict[str, str]) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.connect()
        got = await peer.bind(**who)
        assert (got.status, got.body) == (WRONG_PASSWORD, b"")
        assert await peer.ended()

    play(tmp_path, story)


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_a_customer_who_is_not_active(tmp_path: Path, status: str) -> None:
    async def story(rig: Rig) -> None:
        assert (await (await rig.connect()).bind()).status == BIND_FAILED

    play(tmp_path, story, status=status)


@pytest.mark.parametrize(
    ("allow", "status"),
    [(("10.0.0.0/8",), BIND_FAILED), (("10.0.0.0/8", "127.0.0.0/30"), OK), (("::1/128",), BIND_FAILED)],
)
def test_the_list_of_addresses(tmp_path: Path, allow: tuple[str, ...], status: int) -> None:
    async def story(rig: Rig) -> None:
        assert (await (await rig.connect()).bind()).status == status

    play(tmp_path, story, allow=allow)


def test_binds_of_one_customer_are_counted_and_given_back(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        first, _ = await rig.bound(), await rig.bound(BIND_RX)
        refused = await rig.connect()
        assert (await refused.bind()).status not in (OK, WRONG_PASSWORD)
        await first.close()
        await rig.until(lambda: rig.door.connections == 1)
        await rig.bound()

    play(tmp_path, story, binds_max=2)


def test_who_hangs_up_during_the_password_check_costs_no_bind(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.door._hashing, rig.door._hashing:  # both checks at once are others'
            for _ in range(2):
                peer = await rig.connect()
                peer.send(BIND_TRX, bind_body())
                await peer.writer.drain()
            await rig.until(lambda: len(rig.door._tasks) == 2)
            for peer in rig.peers:
                await peer.close()
            await rig.until(lambda: rig.door.connections == 0)
        await rig.until(lambda: not rig.door._tasks)
        await rig.bound()
        await rig.bound()

    play(tmp_path, story, binds_max=2)


def test_who_hangs_up_in_the_middle_of_the_check_costs_no_bind_either(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        for _ in range(2):
            peer = await rig.connect()
            peer.send(BIND_TRX, bind_body())
            await rig.until(lambda: bool(rig.door._tasks))
            await peer.close()
            await rig.until(lambda: rig.door.connections == 0 and not rig.door._tasks)
        await rig.bound()
        await rig.bound()

    # A hash as costly as in production: the hang-up falls into it.
    play(tmp_path, story, binds_max=2, password_hash=hash_password(PASSWORD))


def test_lock_out_after_failures_and_its_end(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        for _ in range(3):
            assert (await (await rig.connect()).bind(password="wrong123")).status == WRONG_PASSWORD
        locked = await rig.connect()
        locked.writer.write(b"")
        with suppress(ConnectionError, asyncio.IncompleteReadError):  # refused even sooner
            assert (await locked.bind()).status == BIND_FAILED
        rig.now += rig.settings.lockout_s + 1
        await rig.bound()

    play(tmp_path, story, settings={"lockout_failures": 3})


def test_one_customer_s_failures_do_not_touch_a_bound_one(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        bound = await rig.bound()
        for _ in range(4):
            with suppress(ConnectionError, asyncio.IncompleteReadError):  # locked out by then
                await (await rig.connect()).bind(system_id="other", password="wrong123")
        assert (await bound.submit()).status == OK

    play(tmp_path, story, settings={"lockout_failures": 2})


@pytest.mark.parametrize("limit", ["connections_max", "connections_per_address_max"])
def test_too_many_connections(tmp_path: Path, limit: str) -> None:
    async def story(rig: Rig) -> None:
        first = await rig.bound()
        assert await (await rig.connect()).ended()
        await rig.until(lambda: rig.door.connections == 1)
        assert (await first.submit()).status == OK

    play(tmp_path, story, settings={limit: 1})


def test_before_the_bind_nothing_is_taken(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.connect()
        assert (await peer.submit()).status == WRONG_STATE
        assert (await peer.bind()).status == OK
        assert (await peer.submit()).status == OK
        assert len(rig.desk.offered) == 1

    play(tmp_path, story)


def test_a_receiver_may_not_submit_and_nobody_binds_twice(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound(BIND_RX)
        assert (await peer.submit()).status == WRONG_STATE
        assert (await peer.bind(BIND_TRX)).status == ALREADY
        assert rig.desk.offered == []

    play(tmp_path, story)


def test_what_comes_with_the_bind_waits_for_nothing(tmp_path: Path) -> None:
    """A submit in the same write as the bind comes before its answer: wrong state, and the bind stands."""

    async def story(rig: Rig) -> None:
        peer = await rig.connect()
        bind = peer.send(BIND_TRX, bind_body())
        submit = peer.send(SUBMIT, submit_body())
        answers = {got.sequence: (got.command, got.status) for got in [await peer.read(), await peer.read()]}
        assert answers == {bind: (BIND_TRX | RESP, OK), submit: (SUBMIT | RESP, WRONG_STATE)}

    play(tmp_path, story)


def test_slow_loris_before_the_bind(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer, bound = await rig.connect(), await rig.bound()
        peer.writer.write(bind_body()[:3])
        rig.now += rig.settings.session_init_s + 1
        assert await peer.ended()
        assert (await bound.submit()).status == OK

    play(tmp_path, story)


def test_silence_is_asked_and_then_ended(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        peer = await rig.bound()
        rig.now += rig.settings.enquire_link_s + 1
        assert (await peer.read()).command == ENQUIRE
        rig.now += rig.settings.response_s + 1
        assert await peer.ended()
        assert rig.post.sinks == []

    play(tmp_path, story)


def test_two_customers_have_sessions_of_their_own(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        one, two = await rig.bound(), await rig.bound(system_id="other")
        assert (await one.submit()).status == (await two.submit()).status == OK
        assert [s.customer for s in rig.desk.offered] == ["acme", "other"]
        names = [s.session for s in rig.desk.offered]
        assert names[0].startswith("smpp:acme:")
        assert names[1].startswith("smpp:other:")
        assert {s.peer for s in rig.desk.offered} == {"127.0.0.1"}

    async def run() -> None:
        from doors_smpp.door_rig import running

        acme = customer()
        assert acme.smpp is not None
        other = structs.replace(acme, id="other", smpp=structs.replace(acme.smpp, system_id="other"))
        async with running(tmp_path, acme, other) as rig:
            await story(rig)

    asyncio.run(run())
