"""The four timers: what is due when."""

import pytest

from tideng.gateway.wire.smpp import Deadlines, Due, Timers

TIMERS = Timers(session_init_s=10, enquire_link_s=30, inactivity_s=100, response_s=5)


def bound(timers: Timers = TIMERS) -> Deadlines:
    deadlines = Deadlines(timers, opened_at=0.0)
    deadlines.bound()
    return deadlines


def test_session_init_runs_from_the_connection_whatever_is_heard() -> None:
    deadlines = Deadlines(TIMERS, opened_at=100.0)
    deadlines.heard(109.0)
    assert deadlines.next_at == 110.0
    assert deadlines.due(109.9) == set()
    assert deadlines.due(110.0) == {Due.CLOSE_NO_BIND}


def test_a_bind_in_time() -> None:
    deadlines = bound()
    assert deadlines.due(10.0) == set()
    assert deadlines.next_at == 30.0


def test_silence_is_asked_about_once_then_it_is_death() -> None:
    deadlines = bound()
    assert deadlines.due(30.0) == {Due.SEND_ENQUIRE_LINK}
    assert deadlines.due(34.9) == set()
    assert deadlines.next_at == 35.0
    assert deadlines.due(35.0) == {Due.CLOSE_DEAD}


def test_anything_heard_is_life() -> None:
    deadlines = bound()
    deadlines.due(30.0)
    deadlines.heard(34.0, link_only=True)
    assert deadlines.due(35.0) == set()
    assert deadlines.next_at == 64.0


def test_sending_proves_nothing_about_the_peer() -> None:
    deadlines = bound()
    deadlines.sent(29.0)
    assert deadlines.due(30.0) == {Due.SEND_ENQUIRE_LINK}


def test_enquire_link_is_life_but_not_activity() -> None:
    deadlines = bound()
    for now in range(20, 100, 20):
        deadlines.heard(now, link_only=True)
        deadlines.sent(now, link_only=True)
    assert Due.CLOSE_INACTIVE not in deadlines.due(99.9)
    assert Due.CLOSE_INACTIVE in deadlines.due(100.0)


@pytest.mark.parametrize("direction", ["heard", "sent"])
def test_a_message_is_activity(direction: str) -> None:
    deadlines = bound()
    getattr(deadlines, direction)(90.0)
    assert Due.CLOSE_INACTIVE not in deadlines.due(189.9)
    assert Due.CLOSE_INACTIVE in deadlines.due(190.0)


def test_0_switches_a_timer_off() -> None:
    off = Timers(session_init_s=0, enquire_link_s=0, inactivity_s=0, response_s=0)
    deadlines = Deadlines(off, opened_at=0.0)
    assert deadlines.next_at is None
    deadlines.bound()
    assert deadlines.next_at is None
    assert deadlines.due(1e9) == set()
    assert bound(Timers(response_s=0, inactivity_s=0)).due(30.0) == {Due.SEND_ENQUIRE_LINK}
