"""The four timers of a session (SMPP 3.4 §7.2), told what happened and asked what is due. No clock inside."""

from enum import Enum

from msgspec import Struct


class Timers(Struct, frozen=True, kw_only=True):
    """Lengths in seconds; 0 switches a timer off."""

    session_init_s: float = 10
    """From the connection to the accepted bind; a server arms it at accept()."""
    enquire_link_s: float = 30
    """Silence of the peer after which we ask whether it lives."""
    inactivity_s: float = 600
    """Time without any message or answer to one, enquire_link not counted, after which we part."""
    response_s: float = 30
    """Time the peer has to answer."""


class Due(Enum):
    """What to do now."""

    SEND_ENQUIRE_LINK = "send_enquire_link"
    CLOSE_NO_BIND = "close_no_bind"
    CLOSE_INACTIVE = "close_inactive"
    CLOSE_DEAD = "close_dead"


class Deadlines:
    """What is due on one connection. Times are seconds of any steady clock."""

    def __init__(self, timers: Timers, opened_at: float) -> None:
        self.timers = timers
        self._opened_at = opened_at
        self._heard_at = opened_at
        self._active_at = opened_at
        self._asked_at: float | None = None
        self._is_bound = False

    def heard(self, now: float, *, link_only: bool = False) -> None:
        """Bytes came. `link_only`: only enquire_link or its answer, which is life but not activity."""
        self._heard_at = now
        self._asked_at = None
        if not link_only:
            self._active_at = now

    def sent(self, now: float, *, link_only: bool = False) -> None:
        """We sent something. It proves nothing about the peer, but it is activity."""
        if not link_only:
            self._active_at = now

    def bound(self) -> None:
        """The bind was accepted: the session_init timer no longer counts."""
        self._is_bound = True

    def due(self, now: float) -> frozenset[Due]:
        """Everything due at `now`. Being told SEND_ENQUIRE_LINK starts the wait for its answer."""
        found = {due for due, at in self._schedule() if at <= now}
        if Due.SEND_ENQUIRE_LINK in found:
            self._asked_at = now
        return frozenset(found)

    @property
    def next_at(self) -> float | None:
        """When to ask `due` next; None when no timer runs."""
        return min((at for _, at in self._schedule()), default=None)

    def _schedule(self) -> list[tuple[Due, float]]:
        timers = self.timers
        if not self._is_bound:
            return (
                [(Due.CLOSE_NO_BIND, self._opened_at + timers.session_init_s)]
                if timers.session_init_s
                else []
            )
        found = []
        if timers.inactivity_s:
            found.append((Due.CLOSE_INACTIVE, self._active_at + timers.inactivity_s))
        if self._asked_at is not None:
            if timers.response_s:
                found.append((Due.CLOSE_DEAD, self._asked_at + timers.response_s))
        elif timers.enquire_link_s:
            found.append((Due.SEND_ENQUIRE_LINK, self._heard_at + timers.enquire_link_s))
        return found
