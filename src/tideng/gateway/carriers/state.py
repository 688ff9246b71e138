"""What the console shows of a carrier."""

from msgspec import Struct

from tideng.gateway.carriers.link import Kind, Link, LinkStatus


class LinkState(Struct, frozen=True, kw_only=True):
    """One link, for the console."""

    kind: Kind
    status: LinkStatus
    outstanding: int
    waiting: int
    unacked: int
    """Reports and replies with the gateway, not yet acknowledged."""
    failures: int
    late_answers: int
    """Answers that came after the response timer: their messages were already called unknown."""
    mistakes: int
    """PDUs of the carrier that broke the protocol."""
    last_error: str


class CarrierState(Struct, frozen=True, kw_only=True):
    """A carrier at one moment, for the console."""

    carrier: str
    links: tuple[LinkState, ...]
    bound: int
    free: int
    rate_per_s: float
    rate_limit_per_s: float
    """0: nothing limits."""
    throttled: int
    """Answers ESME_RTHROTTLED or ESME_RMSGQFUL since the start."""
    last_error: str


def link_state(link: Link) -> LinkState:
    """One link at this moment."""
    return LinkState(
        kind=link.kind,
        status=link.status,
        outstanding=link.connection.session.outstanding if link.connection is not None else 0,
        waiting=len(link.waiting),
        unacked=link.inbox.unacked if link.inbox is not None else 0,
        failures=link.failures,
        late_answers=link.late_answers,
        mistakes=link.mistakes,
        last_error=link.last_error,
    )
